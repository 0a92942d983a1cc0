// SPDX-License-Identifier: BSD-2-Clause
//
// Blocks whose place is known, in Rust: GET /KIND/MS. The lines that block end in "// at KIND".
//
//     places_server PORT PEER_PORT
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::raw::c_int;
use std::os::unix::io::AsRawFd;
use std::ptr::read_volatile;
use std::time::Duration;

#[cfg_attr(target_arch = "x86_64", repr(C, packed))]
#[cfg_attr(not(target_arch = "x86_64"), repr(C))]
#[derive(Clone, Copy)]
struct Event {
    events: u32,
    data: u64,
}

#[repr(C)]
struct Time {
    seconds: i64,
    ns: i64,
}

extern "C" {
    fn epoll_create1(flags: c_int) -> c_int;
    fn epoll_ctl(set: c_int, op: c_int, fd: c_int, event: *mut Event) -> c_int;
    fn epoll_wait(set: c_int, events: *mut Event, max: c_int, timeout: c_int) -> c_int;
    fn clock_gettime(clock: c_int, time: *mut Time) -> c_int;
}

const EPOLLIN: u32 = 1;
const EPOLL_CTL_ADD: c_int = 1;
const CLOCK_THREAD_CPUTIME_ID: c_int = 3;

fn cpu_ms() -> f64 {
    let mut now = Time { seconds: 0, ns: 0 };
    unsafe { clock_gettime(CLOCK_THREAD_CPUTIME_ID, &mut now) };
    now.seconds as f64 * 1e3 + now.ns as f64 / 1e6
}

mod report {
    use super::*;

    #[inline(never)]
    pub fn cpu(ms: u64) {
        let end = cpu_ms() + ms as f64;
        let mut sum = 0u64;
        while cpu_ms() < end { // at cpu
            for i in 0..10000u64 { // at cpu
                sum = unsafe { read_volatile(&(sum + i)) }; // at cpu
            }
        }
        unsafe { read_volatile(&sum) };
    }

    #[inline(never)]
    pub fn sleep(ms: u64) {
        std::thread::sleep(Duration::from_millis(ms)); // at sleep
        unsafe { read_volatile(&ms) }; // so that the call above is not the last, and a frame
    }

    pub trait Step {
        fn run(&self, ms: u64);
    }

    pub struct Nested;

    impl Step for Nested {
        #[inline(never)]
        fn run(&self, ms: u64) {
            let mut two = vec![2, 1];
            two.sort_by(|a, b| {
                sleep_in_order(ms);
                i32::cmp(a, b)
            });
            unsafe { read_volatile(&two[0]) };
        }
    }

    #[inline(never)]
    fn sleep_in_order(ms: u64) {
        std::thread::sleep(Duration::from_millis(ms)); // at sorted
        unsafe { read_volatile(&(ms * 2)) };
    }
}

struct Backend(TcpStream);

impl Backend {
    #[inline(never)]
    fn read(&mut self, ms: u64) -> u8 {
        let mut byte = [0u8; 1];
        self.0.write_all(format!("reply {}\n", ms).as_bytes()).unwrap();
        self.0.read_exact(&mut byte).unwrap(); // at read
        byte[0]
    }
}

fn add(set: c_int, fd: c_int) {
    let mut event = Event { events: EPOLLIN, data: fd as u64 };
    unsafe { epoll_ctl(set, EPOLL_CTL_ADD, fd, &mut event) };
}

fn block(path: &str, backend: &mut Backend) {
    let mut words = path.split('/').skip(1);
    let kind = words.next().unwrap_or("");
    let ms = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let step: &dyn report::Step = unsafe { read_volatile(&(&report::Nested as _)) };

    match kind {
        "cpu" => report::cpu(ms),
        "sleep" => report::sleep(ms),
        "sorted" => step.run(ms),
        "read" => {
            backend.read(ms);
        }
        _ => {}
    }
}

/// Returns whether the connection goes on.
fn handle(stream: &mut TcpStream, backend: &mut Backend) -> bool {
    let mut head = [0u8; 4096];
    match stream.read(&mut head) {
        Ok(0) | Err(_) => false,
        Ok(n) => {
            let text = String::from_utf8_lossy(&head[..n]).into_owned();
            block(text.split(' ').nth(1).unwrap_or(""), backend);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n").is_ok()
        }
    }
}

fn main() {
    let ports: Vec<u16> = std::env::args().skip(1).map(|word| word.parse().unwrap()).collect();
    let listener = TcpListener::bind(("127.0.0.1", ports[0])).unwrap();
    let mut backend = Backend(TcpStream::connect(("127.0.0.1", ports[1])).unwrap());
    let mut streams: HashMap<u64, TcpStream> = HashMap::new();
    let set = unsafe { epoll_create1(0) };
    let mut events = [Event { events: 0, data: 0 }; 64];

    backend.0.set_nodelay(true).unwrap();
    add(set, listener.as_raw_fd());
    loop {
        let n = unsafe { epoll_wait(set, events.as_mut_ptr(), 64, -1) };
        for event in events.iter().take(n.max(0) as usize) {
            let fd = event.data;
            if fd == listener.as_raw_fd() as u64 {
                let (stream, _) = listener.accept().unwrap();
                add(set, stream.as_raw_fd());
                streams.insert(stream.as_raw_fd() as u64, stream);
            } else if streams.get_mut(&fd).map_or(false, |stream| !handle(stream, &mut backend)) {
                streams.remove(&fd);
            }
        }
    }
}
