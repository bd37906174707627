//! The configurations of the backend and the proxies before it: the same routes, the same added headers, one worker.

use std::net::SocketAddr;

use super::peers::Places;

fn common(places: &Places) -> String {
    let at = &places.at;
    format!(
        "access_log off; keepalive_requests 100000000; tcp_nodelay on;
         client_body_temp_path {at}/tmp1; proxy_temp_path {at}/tmp2; fastcgi_temp_path {at}/tmp3;
         uwsgi_temp_path {at}/tmp4; scgi_temp_path {at}/tmp5;"
    )
}

pub(super) fn backend(places: &Places) -> String {
    let Places { at, backend, secure, .. } = places;
    format!(
        "daemon off; master_process off; worker_processes 1; pid {at}/backend.pid; error_log {at}/backend.log;
        events {{ worker_connections 4096; }}
        http {{
            {}
            sendfile on; default_type application/octet-stream;
            server {{
                listen {backend}; listen {secure} ssl;
                ssl_certificate {at}/cert.pem; ssl_certificate_key {at}/key.pem;
                root {at}/www;
                location /small {{ return 200 'a small answer, as a status poll would get'; }}
                location /tls/small {{ return 200 'a small answer, as a status poll would get'; }}
                location /page {{ default_type text/html; alias {at}/www/page.html; }}
            }}
        }}\n",
        common(places)
    )
}

pub(super) fn nginx(places: &Places, plain: SocketAddr, tls: SocketAddr) -> String {
    let Places { at, backend, secure, echo } = places;
    format!(
        "daemon off; master_process off; worker_processes 1; pid {at}/nginx.pid; error_log {at}/nginx.log;
        events {{ worker_connections 4096; }}
        http {{
            {}
            upstream backend {{ server {backend}; keepalive 64; keepalive_requests 100000000; }}
            upstream secure {{ server {secure}; keepalive 64; keepalive_requests 100000000; }}
            server {{
                listen {plain}; listen {tls} ssl;
                ssl_certificate {at}/cert.pem; ssl_certificate_key {at}/key.pem;
                proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $http_host;
                proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
                location / {{ proxy_pass http://backend; }}
                location /tls {{
                    proxy_pass https://secure; proxy_ssl_verify on; proxy_ssl_trusted_certificate {at}/cert.pem;
                    proxy_ssl_name localhost;
                }}
                location /ws {{
                    proxy_pass http://{echo}; proxy_set_header Upgrade $http_upgrade;
                    proxy_set_header Connection upgrade; proxy_read_timeout 1h;
                }}
            }}
        }}\n",
        common(places)
    )
}

pub(super) fn haproxy(places: &Places, plain: SocketAddr, tls: SocketAddr) -> String {
    let Places { at, backend, secure, echo } = places;
    format!(
        "global
    nbthread 1
    maxconn 8000
defaults
    mode http
    timeout connect 10s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
    http-reuse always
    option forwardfor
frontend all
    bind {plain}
    bind {tls} ssl crt {at}/both.pem
    use_backend secure if {{ path_beg /tls }}
    use_backend echo if {{ path_beg /ws }}
    default_backend plain
backend plain
    server a {backend}
backend secure
    server a {secure} ssl verify required ca-file {at}/cert.pem sni str(localhost) verifyhost localhost
backend echo
    server a {echo}
"
    )
}

pub(super) fn livename(places: &Places, plain: SocketAddr, tls: SocketAddr) -> String {
    let Places { at, backend, secure, echo } = places;
    format!(
        "[listen]
http = [\"{plain}\"]
https = [\"{tls}\"]
admin = \"127.0.0.1:0\"
workers = 1
[[tls.certificate]]
chain = \"{at}/cert.pem\"
key = \"{at}/key.pem\"
[[route]]
path = \"/\"
upstreams = [\"http://{backend}\"]
auth = \"off\"
[[route]]
path = \"/tls\"
upstreams = [\"https://localhost:{}\"]
auth = \"off\"
tls = {{ ca = \"{at}/cert.pem\" }}
[[route]]
path = \"/ws\"
upstreams = [\"http://{echo}\"]
auth = \"off\"
[limits]
connections_per_address = 10000
[log]
level = \"error\"
",
        secure.port()
    )
}
