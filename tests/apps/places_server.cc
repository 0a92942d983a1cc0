// SPDX-License-Identifier: BSD-2-Clause
//
// Blocks whose place is known, in C++: GET /KIND/MS. The lines that block end in "// at KIND".
//
//     places_server PORT PEER_PORT
#include <algorithm>
#include <arpa/inet.h>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <netinet/tcp.h>
#include <numeric>
#include <string>
#include <sys/epoll.h>
#include <unistd.h>
#include <vector>

namespace shop {

static double cpu_ms()
{
	timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* Where it is, is code of the library's that became a part of it. */
__attribute__((noinline)) long inlined(long ms)
{
	std::vector<long> values(10000, 1);
	double end = cpu_ms() + ms;
	long sum = 0;

	while (cpu_ms() < end) // at inlined
		sum = std::accumulate(values.begin(), values.end(), sum, // at inlined
				      [](long a, long b) { return a ^ (b + 1); }); // at inlined
	return sum;
}

template <typename Number> class Report
{
public:
	__attribute__((noinline)) void cpu(Number ms)
	{
		double end = cpu_ms() + ms;

		while (cpu_ms() < end) // at cpu
			for (int i = 0; i < 10000; i++) // at cpu
				sum = sum + i; // at cpu
	}

	__attribute__((noinline)) void sleep(Number ms)
	{
		usleep(ms * 1000); // at sleep
		sum = sum + 1;
	}

	/* Code of ours below the library's, which is below ours. */
	__attribute__((noinline)) void sorted(Number ms)
	{
		std::vector<Number> two = {2, 1};

		qsort_r(two.data(), two.size(), sizeof(Number), compare, &ms);
		sum = sum + two[0];
	}

private:
	volatile Number sum = 0;

	static int compare(const void *, const void *, void *ms)
	{
		usleep(*static_cast<Number *>(ms) * 1000); // at sorted
		return 0;
	}
};

struct Backend {
	int fd;

	__attribute__((noinline)) bool read(int ms)
	{
		std::string line = "reply " + std::to_string(ms) + "\n";
		char byte;

		send(fd, line.data(), line.size(), MSG_NOSIGNAL);
		return ::read(fd, &byte, 1) == 1; // at read
	}
};

class Server
{
public:
	Server(int port, int peer_port) : epoll(epoll_create1(0)), listener(socket(AF_INET, SOCK_STREAM, 0))
	{
		sockaddr_in addr = address(port);
		int one = 1;

		backend.fd = socket(AF_INET, SOCK_STREAM, 0);
		sockaddr_in peer = address(peer_port);
		if (connect(backend.fd, reinterpret_cast<sockaddr *>(&peer), sizeof(peer)))
			exit(1);
		setsockopt(backend.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(listener, reinterpret_cast<sockaddr *>(&addr), sizeof(addr)) || listen(listener, 64))
			exit(1);
		add(listener);
		kinds["cpu"] = [this](int ms) { report.cpu(ms); };
		kinds["inlined"] = [this](int ms) { total = inlined(ms); };
		kinds["sleep"] = [this](int ms) { report.sleep(ms); };
		kinds["sorted"] = [this](int ms) { report.sorted(ms); };
		kinds["read"] = [this](int ms) { backend.read(ms); };
	}

	void run()
	{
		epoll_event events[64];

		while (true) {
			int n = epoll_wait(epoll, events, 64, -1);

			for (int i = 0; i < n; i++)
				handle(events[i].data.fd);
		}
	}

private:
	int epoll, listener;
	Backend backend;
	Report<long> report;
	volatile long total = 0;
	std::map<std::string, std::function<void(int)>> kinds;

	static sockaddr_in address(int port)
	{
		sockaddr_in addr = {};

		addr.sin_family = AF_INET;
		addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		addr.sin_port = htons(port);
		return addr;
	}

	void add(int fd)
	{
		epoll_event event = {};

		event.events = EPOLLIN;
		event.data.fd = fd;
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	}

	void handle(int fd)
	{
		static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
		char head[4096], kind[16];
		int ms;

		if (fd == listener) {
			add(accept(listener, nullptr, nullptr));
			return;
		}
		ssize_t n = read(fd, head, sizeof(head) - 1);
		if (n <= 0) {
			close(fd);
			return;
		}
		head[n] = '\0';
		if (sscanf(head, "GET /%15[a-z]/%d", kind, &ms) == 2 && kinds.count(kind))
			kinds[kind](ms);
		send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL);
	}
};

} // namespace shop

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	shop::Server(atoi(argv[1]), atoi(argv[2])).run();
}
