"""Thousands of requests through `cairn serve` to a registry that goes wrong: no answer may be wrong, and none
may hang.
"""
import collections
import concurrent.futures
import contextlib
import http.client
import random
import threading
import time

from cairnlab.faults.cases import REPOSITORY
from cairnlab.faults.mixes import ANSWERS, OF_SMALL
from cairnlab.registry.answers import OF_CONTENT
from cairnlab.registry.contents import Image
from cairnlab.registry.fault_server import FaultyRegistry
from cairnlab.serve import scene

# Seconds after which an answer hangs: the longest of its parts are a stall of 2 s, eight retries and their
# pauses.
LIMIT = 120
CLIENTS = 16


class Mix:
    """An image, and what its registry does wrong; the words of tools/faults."""

    def __init__(self, seed):
        self.chance = random.Random(f"serve {seed}")
        self.rate = self.chance.choice([0.05, 0.1, 0.2, 0.3])
        self.faults = self.chance.sample(ANSWERS, self.chance.randint(2, 8))
        self.image = Image(f"serve {seed}",
                           [int(2 ** self.chance.uniform(8, 19)) for _ in range(self.chance.randint(4, 40))])
        self.lock, self.fired = threading.Lock(), collections.Counter()

    def plan(self, request):
        with self.lock:
            if self.chance.random() >= self.rate:
                return None
            if request.kind == "blob":
                fault = self.chance.choice([*self.faults, self.chance.choice(sorted(OF_CONTENT))])
            elif request.kind == "manifest":
                fault = self.chance.choice(OF_SMALL)
            else:
                return None
            self.fired[fault] += 1
            return fault


class Reader:
    """One client that asks one thing after the other over its own connection."""

    def __init__(self, port, name, image, seed):
        self.port, self.name, self.image = port, name, image
        self.chance, self.wrong, self.ends = random.Random(seed), [], collections.Counter()

    def ask_times(self, count):
        for _ in range(count):
            self.ask()

    def ask(self):
        kind = self.chance.random()
        blobs = list(self.image.blobs)
        digest = self.chance.choice(blobs)
        data, fields, path = self.image.blobs[digest], {}, f"/v2/{REPOSITORY}/blobs/{digest}"
        whole = True
        if kind < 0.15:
            data, path = self.image.manifest, f"/v2/{REPOSITORY}/manifests/latest"
        elif kind < 0.5 and data:
            whole, start = False, self.chance.randrange(len(data))
            end = self.chance.randrange(start, len(data))
            fields["Range"] = f"bytes={start}-{end}"
            data = data[start:end + 1]
        leaves = self.chance.random() < 0.1
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        try:
            connection.request("GET", f"{path}?ns={self.name}", headers=fields)
            answer = connection.getresponse()
            if leaves:
                answer.read(1000)
                self.ends["left"] += 1
                return
            body = answer.read()
        except TimeoutError:
            self.wrong.append(f"{path} {fields}: nothing for {LIMIT} s")
            return
        except (http.client.HTTPException, OSError):
            self.ends["broken off"] += 1
            return
        finally:
            connection.close()
        if time.monotonic() - began > LIMIT:
            self.wrong.append(f"{path} {fields}: took {time.monotonic() - began:.0f} s")
        self.ends[answer.status] += 1
        if answer.status not in (200, 206):
            return
        # A part's reader has the whole's digest: only place and length are promised.
        if (len(body) if not whole else body) != (len(data) if not whole else data):
            self.wrong.append(f"{path} {fields}: {answer.status} with {len(body)} wrong bytes of {len(data)}")


def run(cairn, folder, count, seed=20261126):
    """So many requests, a new registry and endpoint for each two hundred of them; returns what was wrong."""
    wrong, ends, fired, number = [], collections.Counter(), collections.Counter(), 0
    while sum(ends.values()) < count:
        number += 1
        mix = Mix(seed + number)
        with FaultyRegistry({REPOSITORY: mix.image}, mix.plan, rate=8 << 20) as registry:
            name = f"127.0.0.1:{registry.port}"
            options = ["--registry", name, "--plain-http", name, "--stall-timeout", "2", "--cache-limit",
                       mix.chance.choice(["0", "2M", "300K"])]
            with scene.Endpoint(cairn, folder / f"mix{number}", options) as endpoint:
                endpoint.start()
                readers = [Reader(endpoint.port, name, mix.image, seed * 1000 + number * 100 + client)
                           for client in range(CLIENTS)]
                each = -(-min(200, count - sum(ends.values())) // CLIENTS)

                with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
                    list(pool.map(Reader.ask_times, readers, [each] * CLIENTS))
                # What is kept is right: with nothing going wrong everything is to be had.
                registry.plan = lambda request: None
                last = Reader(endpoint.port, name, mix.image, 0)
                for digest, data in mix.image.blobs.items():
                    for _attempt in range(5):
                        connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=LIMIT)
                        with contextlib.closing(connection), contextlib.suppress(http.client.HTTPException):
                            connection.request("GET", f"/v2/{REPOSITORY}/blobs/{digest}?ns={name}")
                            answer = connection.getresponse()
                            if answer.status == 200 and answer.read() == data:
                                break
                        time.sleep(1)
                    else:
                        last.wrong.append(f"{digest[:19]} is not to be had after mix {number}")
        for reader in [*readers, last]:
            wrong += [f"mix {number}: {text}" for text in reader.wrong]
            ends.update(reader.ends)
        fired.update(mix.fired)
        print(f"mix {number}: {sum(ends.values())} requests, {len(wrong)} wrong", flush=True)
    print("ended by " + ", ".join(f"{end} {times}" for end, times in ends.most_common()))
    print("answers that went wrong: " + ", ".join(f"{fault} {times}" for fault, times in fired.most_common()))
    return wrong
