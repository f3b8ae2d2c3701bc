import { assertEquals } from "@std/assert";
import { isLoopback } from "../../src/runtime/address.ts";
import { hasAddress, mayLeadTo, type Reach, reachOf } from "../../src/runtime/networks.ts";

const HOSTS: Readonly<Record<Reach, readonly string[]>> = {
  loopback: [
    ...["localhost", "localhost.", "LOCALHOST", "a.localhost", "127.0.0.1", "127.255.255.255", "2130706433", "0x7f.1"],
    ...["0177.1", "127.0.0.1.", "0.0.0.0", "0", "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]"],
    ...["[::ffff:7f00:1]", "[::ffff:0.0.0.0]"],
  ],
  private: [
    ...["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "169.254.169.254", "255.255.255.255"],
    ...["224.0.0.1", "[fd00::1]", "[fe80::1]", "[ff02::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "[2002:a00:1::]"],
    ...["nas", "nas.", "nas.local", "nas.lan", "nas.home.arpa", "db.internal"],
  ],
  public: [
    ...["example.org", "127.0.0.1.example.org", "localhost.example.org", "notlocalhost.org", "172.32.0.1", "11.0.0.1"],
    ...["100.128.0.1", "[2606:4700::1]", "[::ffff:1.1.1.1]", "[2002:101:101::]", "lan.example.org"],
  ],
};

const normalize = (host: string) => new URL(`https://${host}/`).hostname;

Deno.test("reachOf() recognizes this machine and private networks in every form of an address", () => {
  for (const [reach, hosts] of Object.entries(HOSTS)) {
    for (const host of hosts) assertEquals(reachOf(normalize(host)), reach, host);
  }
  for (const host of ["[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"]) {
    assertEquals(reachOf(normalize(host)), "loopback", host);
  }
});

Deno.test("isLoopback() agrees with reachOf()", () => {
  for (const [reach, hosts] of Object.entries(HOSTS)) {
    for (const host of hosts) assertEquals(isLoopback(normalize(host)), reach === "loopback", host);
  }
});

Deno.test("mayLeadTo() never leads to a host with a smaller reach", () => {
  const [here, lan, internet] = ["localhost", "10.0.0.1", "example.org"];
  const pairs = [here, lan, internet].map((from) => [here, lan, internet].map((to) => mayLeadTo(from, to)));
  assertEquals(pairs, [[true, true, true], [false, true, true], [false, false, true]]);
});

Deno.test("hasAddress() knows the addresses of this host", () => {
  const hosts = ["127.0.0.1", "0.0.0.0", "192.0.2.1"];
  assertEquals(hosts.map(hasAddress), [true, true, false]);
});
