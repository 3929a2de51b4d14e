"""The far end of the link lab: runs inside the server's network namespace, and stops when its input ends.

    lab_servers.py '{"folder": ..., "data": ..., "tls": 1, "redirects": false, ...}'

Commands are JSON lines on standard input, one answer each on standard output.
"""
import contextlib
import json
import os
import pathlib
import socket
import sys
import threading
import time

from cairnlab.registry import servers, slow_server

CLIENT, SERVER = "10.77.0.1", "10.77.0.2"
REGISTRY_PORT, BLOB_PORT, BULK_PORT, ECHO_PORT = 5443, 8443, 9000, 9001

NGINX = """
limit_conn_zone $server_addr zone=blobs:1m;
limit_conn_status 429;
proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
proxy_set_header X-Forwarded-Proto {scheme};
proxy_max_temp_file_size 0; proxy_buffers 32 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 1m;
upstream registry {{ server 127.0.0.1:{registry}; keepalive 64; }}
upstream slow {{ server unix:{folder}/slow; keepalive 64; }}
server {{
  listen {registry_port} {ssl} backlog=1024;
  location ~ ^/v2/.+/blobs/ {{ {blobs} }}
  location /token {{ proxy_pass http://127.0.0.1:{token}; }}
  location / {{ proxy_pass http://registry; }}
}}
server {{
  listen {blob_port} {ssl} backlog=1024;
  location ~ ^/v2/.+/blobs/sha256:(..)(.*)$ {{
    {limit} alias {data}/docker/registry/v2/blobs/sha256/$1/$1$2/data; default_type application/octet-stream;
  }}
}}
server {{ listen {bulk_port}; location / {{ access_log off; root {folder}/bulk; }} }}
"""


def nginx_section(spec, registry, token):
    scheme = "https" if spec["tls"] else "http"
    ssl = ""
    certificates = ""
    if spec["tls"]:
        ssl = "ssl http2"
        protocols = "TLSv1.3" if spec["tls"] == 1 else "TLSv1.2"
        certificates = (
            f"ssl_certificate {spec['certificate']}; ssl_certificate_key {spec['key']}; ssl_protocols "
            f"{protocols};\n"
            "ssl_session_cache shared:s:4m;\n")
    limit = ""
    if spec["connectionLimit"]:
        limit = f"limit_conn blobs {spec['connectionLimit']};"
        if spec["retryAfter"] is not None:
            limit += " error_page 429 @busy;"
    if spec["limitRate"]:
        # For each request, and by the second: a burst, and silence until its second is over.
        limit += f" limit_rate {spec['limitRate']};"
    origin = "registry"
    if spec["slow"]:
        # Unbuffered, so that a request counts over there until about its last byte has been taken here.
        limit += " proxy_buffering off;"
        origin = "slow"
    if spec["redirects"]:
        blobs = f"return 307 {scheme}://{spec['address']}:{BLOB_PORT}$request_uri;"
    else:
        blobs = limit + f" proxy_pass http://{origin};"
    section = certificates + NGINX.format(
        folder=spec["folder"], data=spec["data"], scheme=scheme, ssl=ssl, registry=registry, token=token,
        registry_port=REGISTRY_PORT, blob_port=BLOB_PORT, bulk_port=BULK_PORT, blobs=blobs, limit=limit)
    if "@busy" in section:
        busy = f"location @busy {{ add_header Retry-After {spec['retryAfter']:.0f} always; return 429; }}\n"
        section = section.replace("  location / {", "  " + busy + "  location / {", 1)
        section = section.replace("\n}\nserver { listen 9000", "\n  " + busy + "}\nserver { listen 9000", 1)
    return section


def echo():
    """Answers every datagram with itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("0.0.0.0", ECHO_PORT))
        while True:
            data, address = sock.recvfrom(2048)
            sock.sendto(data, address)


def blast(target, port, size, packets_per_second, count):
    """Sends `count` datagrams of `size` bytes (with headers) at a rate; each begins with its number."""
    body = bytearray(size - 28)
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        sock.connect((target, port))
        start = time.perf_counter()
        while sent < count:
            due = min(count, int((time.perf_counter() - start) * packets_per_second) + 1)
            while sent < due:
                body[:4] = sent.to_bytes(4, "big")
                sock.send(body)
                sent += 1
            time.sleep(0.0005)
    return {"sent": sent, "seconds": time.perf_counter() - start}


def serve(spec):
    folder = pathlib.Path(spec["folder"])
    (folder / "bulk").mkdir(parents=True, exist_ok=True)
    with open(folder / "bulk/endless", "wb") as file:
        file.truncate(1 << 40)
    with contextlib.ExitStack() as stack:
        tokens, token_port = None, 1
        if spec["token"]:
            server = stack.enter_context(servers.TokenServer(folder / "token"))
            scheme = "https" if spec["tls"] else "http"
            realm = f"{scheme}://{spec['address']}:{REGISTRY_PORT}/token"
            tokens, token_port = (realm, server.service, server.issuer, server.certificate), server.port
        registry = stack.enter_context(
                servers.docker_registry(folder / "registry", token=tokens, data=spec["data"]))
        if spec["slow"]:
            slow_server.SlowServer(folder / "slow", spec["data"], **spec["slow"])
        section = nginx_section(spec, registry, token_port)
        stack.enter_context(
            servers.nginx(folder / "nginx", section, BULK_PORT, access_log=f"{folder}/access.log c"))
        threading.Thread(target=echo, daemon=True).start()
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            command = json.loads(line)
            print(json.dumps(blast(**command)), flush=True)


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
    os._exit(0)
