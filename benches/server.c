// The cheapest API: answers every request with V1's success. One thread, so that clients are what binds.
// cc -O2 -o server server.c && ./server    prints its port, and ends with its standard input
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 4096
static const char body[] = "{\"status\":\"success\",\"message\":\"Connection invitation withdrawn successfully\"}";
// What came of each connection's request.
static struct { char bytes[4096]; size_t length; } requests[MOST];

// The length of a request that came whole, or 0.
static size_t whole(const char *bytes, size_t length) {
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (!end) return 0;
    const char *named = strcasestr(bytes, "\r\ncontent-length:");
    size_t size = end + 4 - bytes + (named && named < end ? strtoul(named + 17, NULL, 10) : 0);
    return size <= length ? size : 0;
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), queue = epoll_create1(0);
    if (bind(listener, (void *)&address, size) || listen(listener, 1024)) return perror("listen"), 1;
    getsockname(listener, (void *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    char answer[256];
    int answer_length = sprintf(answer, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
                                sizeof body - 1, body);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[256];
    epoll_ctl(queue, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = 0;
    epoll_ctl(queue, EPOLL_CTL_ADD, 0, &event);
    for (;;) {
        int count = epoll_wait(queue, ready, 256, -1);
        for (int at = 0; at < count; at++) {
            int fd = ready[at].data.fd;
            if (fd == 0) return 0;
            if (fd == listener) {
                while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    if (fd >= MOST) { close(fd); continue; }
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                    requests[fd].length = 0;
                    event.data.fd = fd;
                    epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event);
                }
                continue;
            }
            char *bytes = requests[fd].bytes;
            size_t *length = &requests[fd].length, first;
            ssize_t got = read(fd, bytes + *length, sizeof requests[fd].bytes - 1 - *length);
            if (got <= 0) { close(fd); continue; }
            *length += got;
            bytes[*length] = 0;
            while ((first = whole(bytes, *length))) {
                if (write(fd, answer, answer_length) != answer_length) { close(fd); break; }
                memmove(bytes, bytes + first, *length -= first);
                bytes[*length] = 0;
            }
        }
    }
}
