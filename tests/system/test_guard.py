"""No spelling of an address of our own leads the engine there: asked for, redirected to, or told by a name server.

One run over the table, each line as a URL and as a redirect's Location, with a listener on every address of the machine
that must not be spoken to. The web that redirects has an address of its own, which is allowed.
"""

# ruff: noqa: RUF001 - characters that are taken for digits and letters are what is tested
from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

import psutil
import pytest
from system.conftest import TESTS
from system.harness import Enrich, lines
from system.name_server import NameServer

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The web's address: the only one of the machine that may be spoken to.
OPEN = "127.0.0.2"

#: Hosts, as they may stand in a URL, that lead to this machine or into its network: refused as addresses.
HOSTS = """
127.0.0.1 127.1 127.0.1 127.0.0.1. 127.255.255.254 127.000.000.001 2130706433 017700000001 0x7f000001 0X7F000001
0x7f.0.0.1 0x7f.1 0x7f.0x0.0x0.0x1 0177.0.0.1 0177.1 00177.0x0.1 127.0.0.0x1 127.65530 0x7fffffff 127.0.0.1%2E
%31%32%37.0.0.1 %30%78%37%66.1 １２７.０.０.１ 127。0。0。1 127．0．0．1 127｡0｡0｡1 ①②⑦.⓪.⓪.① 𝟏𝟐𝟕.𝟎.𝟎.𝟏 ¹²⁷.⁰.⁰.¹
₁₂₇.₀.₀.₁ 127.0.0.\u00ad1 ０ｘ７ｆ.1 0 00 0x0 0x 0.0.0.0 0.0 0.1.2.3 10.0.0.1 10.1 012.0.0.1 167772161 172.16.0.1
0xac100001 192.168.1.1 3232235777 0xc0a80101 192.168.257 100.64.0.1 100.100.100.200 169.254.169.254 2852039166
0xa9fea9fe 0251.0376.0251.0376 169.254.43518 168.63.129.16 192.0.0.192 192.0.2.1 198.18.0.1 224.0.0.1 240.0.0.1
255.255.255.255 4294967295 0xffffffff [::1] [0:0:0:0:0:0:0:1] [0000::0001] [::0.0.0.1] [::] [0::0] [::ffff:127.0.0.1]
[::ffff:7f00:1] [::FFFF:7F00:0001] [0:0:0:0:0:ffff:127.0.0.1] [::ffff:0.0.0.0] [::ffff:10.0.0.1] [::ffff:a9fe:a9fe]
[::127.0.0.1] [::7f00:1] [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::a9fe:a9fe]
[64:ff9b:1::127.0.0.1] [2002:7f00:1::] [2002:7f00:1::1] [2002:a00:1::] [2001:0:7f00:1::]
[2001:0:4136:e378:8000:63bf:80ff:fffe] [2001:470::5efe:127.0.0.1] [2001:470::200:5efe:7f00:1] [fe80::1]
[fe80::5efe:8.8.8.8] [fec0::1] [fc00::1] [fd00:ec2::254] [ff02::1] [2001:db8::1] [100::1] [5f00::1] [3fff::1]
localhost LOCALHOST localhost. sub.localhost LocalHost.LocalHost loc%61lhost ⓛⓞⓒⓐⓛⓗⓞⓢⓣ ｌｏｃａｌｈｏｓｔ
local\u00adhost user:secret@127.0.0.1 8.8.8.8@127.0.0.1 8.8.8.8:80@127.0.0.1 user@8.8.8.8@[::1] a.test%2F@127.0.0.1
""".split()  # noqa: SIM905 - as a list it would be one host a line

#: Whole URLs, refused as addresses too. PORT is the listener's, and NUMBER tells those of one address apart.
#: The first two are relative references where a URL stands before them: as a Location they stay at their own site.
URLS = [
    *(STANDING_ALONE := ["http:127.0.0.1:PORT/NUMBER", "http:/127.0.0.1:PORT/NUMBER"]),
    "http:\\\\127.0.0.1:PORT\\NUMBER", "HtTp:////127.0.0.1:PORT/NUMBER", "http://127.0.0.1:PORT/NUMBER#@8.8.8.8/",
    "http://127.0.0.1:PORT?NUMBER@8.8.8.8/", "http://127.0.0.1:PORT\\NUMBER@8.8.8.8/", "http://127.0.0.1:0PORT/NUMBER",
    "\thttp://127.0.\t0.1:PORT/NUMBER", "https://127.0.0.1:PORT/NUMBER", "https://[::ffff:127.0.0.1]:PORT/NUMBER",
]  # fmt: skip

#: What is no host at all, or no scheme of ours.
NO_HOSTS = """
[::1%25lo] [fe80::1%25lo] [fe80::1%lo] [::1]. [::ffff:127.1] [::ffff:0x7f.0.0.1] 127.0.0.08 127.0.0.1.1 256.0.0.1
127.0.0.256 4294967296 0x100000000 127..0.1 127.0.0.1%00 127.0.0.1%0a localhost%00.test ١٢٧.0.0.1 [v1.127]
user:secret@127.0.0.256 user:secret@[::1%25lo]
""".split()  # noqa: SIM905 - as above
NO_URLS = [f"http://{host}:PORT/" for host in NO_HOSTS]
NO_URLS += ["ftp://127.0.0.1:PORT/", "gopher://127.0.0.1:PORT/_x", "file:///etc/passwd", "dict://127.0.0.1:PORT/d"]
NO_URLS += ["ws://127.0.0.1:PORT/", "data:text/html,x", "javascript:1", "feed:http://127.0.0.1:PORT/", "unix:/x"]
NO_URLS += ["ftp://user:secret@127.0.0.1:PORT/", "https:user:secret@[nothing:PORT/"]

#: name -> its records; what is no address is a CNAME.
NAMES = {
    "a1.test": "127.0.0.1", "a2.test": "0.0.0.0", "a3.test": "10.0.0.5", "a4.test": "169.254.169.254",
    "a5.test": "192.168.0.7", "a6.test": "127.9.9.9", "a7.test": "100.64.0.1", "a8.test": "255.255.255.255",
    "a9.test": ("127.0.0.1", "10.0.0.1", "0.0.0.0"),
    "q1.test": "::1", "q2.test": "::", "q3.test": "::ffff:127.0.0.1", "q4.test": "fe80::1", "q5.test": "fd00:ec2::254",
    "q6.test": "64:ff9b::7f00:1", "q7.test": "2002:7f00:1::", "q8.test": "2001:0:7f00:1::", "q9.test": "::127.0.0.1",
    "q10.test": ("::1", "::ffff:10.0.0.1", "fc00::1"), "q11.test": "2001:470::5efe:127.0.0.1",
    "both.test": ("127.0.0.1", "::1"),
    "c1.test": "a1.test", "c2.test": "c1.test", "c3.test": "q1.test", "c4.test": "both.test",
    "c5.test": "localhost", "localhost": ("127.0.0.1", "::1"), "c6.test": "metadata.internal",
    "metadata.internal": "169.254.169.254",
    # An address that is open beside those that are not: that one is used, and no other.
    "mixed.test": ("127.0.0.1", "::1", OPEN, "10.0.0.1"),
}  # fmt: skip


class Trap:
    """Listens on a port at every address, and at the web's port of the others; notes at which somebody came."""

    def __init__(self, web_port: int) -> None:
        self.came: list[str] = []
        self._selector = selectors.DefaultSelector()
        self._sockets: list[socket.socket] = []
        self.port = self._listen("::", 0, both=True) if socket.has_dualstack_ipv6() else self._listen("0.0.0.0", 0)
        for address in ("127.0.0.1", "::1"):
            if ":" not in address or socket.has_dualstack_ipv6():
                self._listen(address, web_port)
        self._stop, self._stopped = socket.socketpair()
        self._selector.register(self._stopped, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._accept)

    def _listen(self, address: str, port: int, *, both: bool = False) -> int:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, port), family=family, dualstack_ipv6=both)
        self._sockets.append(listener)
        self._selector.register(listener, selectors.EVENT_READ)
        return listener.getsockname()[1]

    def _accept(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._stopped:
                    return
                connection, _ = key.fileobj.accept()
                self.came.append(connection.getsockname()[0])
                connection.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.send(b"x")
        self._thread.join()
        for each in (*self._sockets, self._stop, self._stopped):
            each.close()
        self._selector.close()


def own_addresses() -> list[str]:
    """The machine's addresses that no stranger's page should lead to; link-local ones need a zone, and are no URL."""
    found = [each.address for all_of in psutil.net_if_addrs().values() for each in all_of]
    private = [each for each in found if each.startswith(("10.", "172.", "192.168.", "fd"))]
    return [f"[{each}]" if ":" in each else each for each in private]


def table(port: int) -> dict[str, tuple[str, ...]]:
    """URL -> the kinds of failure of which it must have one, asked for and redirected to."""
    hosts = [*HOSTS, *own_addresses(), *(name for name in NAMES if name not in ("mixed.test", "localhost"))]
    refused = [f"http://{host}:{port}/NUMBER" for host in hosts] + [url.replace("PORT", str(port)) for url in URLS]
    found = dict.fromkeys(refused, ("refused_address", "refused_address"))
    for url in NO_URLS:
        found[url.replace("PORT", str(port))] = ("invalid_url refused_scheme", "bad_redirect")
    return found


@pytest.fixture(scope="module")
def web() -> Iterator[int]:
    try:
        socket.create_server((OPEN, 0)).close()
    except OSError:
        pytest.skip(f"{OPEN} is no address of this machine")
    command = [sys.executable, TESTS / "web" / "server.py", "--host", OPEN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own interpreter
        yield int(process.stdout.readline().rpartition(":")[2])
        process.terminate()


@pytest.fixture(scope="module")
def ends(tmp_path_factory, web):
    """One run over the table: the trap's port, who came into the trap, and the rows by their number."""
    place = Enrich(tmp_path_factory.mktemp("guard"), web)
    with Trap(web) as trap, NameServer(NAMES | {"go.test": OPEN, "open.test": OPEN}) as names:
        asked = [(url, "url") for url in table(trap.port)] + [(url, "redirect") for url in table(trap.port)]
        asked += [(f"http://mixed.test:{web}/html/1", "mixed"), (f"http://open.test:{trap.port}/", "trap")]
        listing = place.root / "urls.jsonl"
        with listing.open("w") as file:
            for number, (url, how) in enumerate(asked):
                own = url.replace("NUMBER", str(number))  # one row for each, also where two are one address
                if how == "redirect":
                    own = f"http://go.test:{web}/redirect-to?n={number}&url={quote(own)}"
                file.write(json.dumps({"url": own, "n": number}) + "\n")
        done = place(
            *place.run(
                listing,
                fetch__connect_to=[],
                fetch__nameservers=[names.address],
                guard__allow_networks=[f"{OPEN}/32"],
                guard__allow_private_addresses=False,
                extract__extractor="none",
                nlp__pipeline="none",
                politeness__max_per_host=16,
                politeness__max_per_site=0,
                retry__max_attempts=1,
            )
        )
        came = list(trap.came)
    assert done.code == 0, done.err
    assert place.left() == []
    rows = {row["input"]["n"]: row for row in lines(place.out / "enrichment_output.jsonl")}
    return trap.port, came, {each: rows[number] for number, each in enumerate(asked)}


def test_the_table_is_long_enough():
    assert len(table(1)) >= 150


def test_nobody_came_but_by_the_name_that_may(ends):
    """The trap works: it was reached at the web's own address, by the one URL that was allowed to."""
    _, came, _ = ends
    assert set(came) == {f"::ffff:{OPEN}" if socket.has_dualstack_ipv6() else OPEN}


def test_each_spelling_is_refused_asked_for_and_redirected_to(ends):
    port, _, rows = ends
    wrong = {
        (url, how): (rows[url, how]["error_kind"], rows[url, how]["error"])
        for url, kinds in table(port).items()
        for how, kind in zip(("url", "redirect"), kinds, strict=True)
        if how == "url" or url.replace(str(port), "PORT") not in STANDING_ALONE
        if rows[url, how]["error_kind"] not in kind.split()
    }
    assert wrong == {}


def test_of_a_mixed_answer_only_the_allowed_address_is_used(ends):
    _, _, rows = ends
    (mixed,) = (row for (_, how), row in rows.items() if how == "mixed")
    assert (mixed["status_code"], mixed["error"]) == (200, None)


def test_no_credentials_are_written(ends):
    _, _, rows = ends
    assert "secret" not in json.dumps([{**row, "url": ""} for row in rows.values() if "redirect-to" not in row["url"]])
    assert not any("secret" in row["url"] for (_, how), row in rows.items() if how == "url")
