/* SPDX-License-Identifier: BSD-2-Clause */
/* Names by port, and what a Python program would ask the service with instead. */
#include "render/service.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

/* Ports from here on are handed out to clients by the kernel: by themselves they mean nothing. */
#define PORT_EPHEMERAL 32768

static const struct service {
	uint16_t port;
	const char *name;
	const char *python; /* NULL: none is better known than others */
} services[] = {
	{25, "smtp", "aiosmtplib"},
	{53, "domain", NULL},
	{80, "http", "httpx.AsyncClient, aiohttp"},
	{389, "ldap", "bonsai"},
	{443, "https", "httpx.AsyncClient, aiohttp"},
	{465, "smtps", "aiosmtplib"},
	{587, "submission", "aiosmtplib"},
	{636, "ldaps", "bonsai"},
	{1433, "mssql", "aioodbc"},
	{1521, "oracle", "oracledb.connect_async"},
	{2181, "zookeeper", NULL},
	{2379, "etcd", NULL},
	{3306, "mysql", "asyncmy, aiomysql"},
	{4222, "nats", "nats-py"},
	{5353, "mdns", NULL},
	{5432, "postgresql", "asyncpg, psycopg.AsyncConnection"},
	{5433, "postgresql", "asyncpg, psycopg.AsyncConnection"},
	{5671, "amqps", "aio-pika"},
	{5672, "amqp", "aio-pika"},
	{6379, "redis", "redis.asyncio"},
	{6380, "redis", "redis.asyncio"},
	{6432, "pgbouncer", "asyncpg, psycopg.AsyncConnection"},
	{8000, "http", "httpx.AsyncClient, aiohttp"},
	{8080, "http", "httpx.AsyncClient, aiohttp"},
	{8086, "influxdb", "httpx.AsyncClient, aiohttp"},
	{8123, "clickhouse", "httpx.AsyncClient, aiohttp"},
	{8200, "vault", "httpx.AsyncClient, aiohttp"},
	{8443, "https", "httpx.AsyncClient, aiohttp"},
	{8500, "consul", "httpx.AsyncClient, aiohttp"},
	{9000, "clickhouse", NULL},
	{9042, "cassandra", NULL},
	{9092, "kafka", "aiokafka"},
	{9200, "elasticsearch", "AsyncElasticsearch"},
	{11211, "memcached", "aiomcache"},
	{26379, "redis-sentinel", "redis.asyncio"},
	{27017, "mongodb", "pymongo.AsyncMongoClient, motor"},
};

/* Parts of the paths of local sockets. */
static const struct {
	const char *part;
	const char *name;
} sockets[] = {
	{".s.PGSQL.", "postgresql"},
	{"mysqld", "mysql"},
	{"redis", "redis"},
	{"memcached", "memcached"},
	{"mongodb", "mongodb"},
	{"nscd", "nscd"},
	{"io.systemd.Resolve", "systemd-resolved"},
};

static const char *name_of_socket(const struct lg_target *t)
{
	size_t len = t->name_len < sizeof(t->name) ? t->name_len : sizeof(t->name);

	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
		if (memmem(t->name, len, sockets[i].part, strlen(sockets[i].part)))
			return sockets[i].name;
	return NULL;
}

static const char *name_of_port(uint16_t port)
{
	const struct servent *entry;

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (services[i].port == port)
			return services[i].name;
	if (!port || port >= PORT_EPHEMERAL)
		return NULL;
	entry = getservbyport(htons(port), "tcp");
	return entry ? entry->s_name : NULL;
}

const char *service_name(char *buf, size_t size, const struct lg_target *target)
{
	const char *name = NULL;

	if (target->kind == LG_TARGET_INET || target->kind == LG_TARGET_INET6)
		name = name_of_port(target->port);
	else if (target->kind == LG_TARGET_UNIX)
		name = name_of_socket(target);
	if (name)
		snprintf(buf, size, "%s", name);
	return name ? buf : NULL;
}

const char *service_python_client(const char *name)
{
	for (size_t i = 0; name && i < sizeof(services) / sizeof(services[0]); i++)
		if (!strcmp(services[i].name, name))
			return services[i].python;
	return NULL;
}
