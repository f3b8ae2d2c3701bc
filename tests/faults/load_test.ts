import { assertEquals } from "@std/assert";
import { load } from "./load.ts";

Deno.test("serve loses and duplicates nothing when it is killed while the homeserver is down and clients post", async () => {
  const { problems } = await load({ posts: 500, clients: 20, fault: "refuse", incidents: ["SIGKILL"], seed: 1 });
  assertEquals(problems, []);
});

Deno.test("serve goes on when silent clients use up the files that it can open", async () => {
  const { problems } = await load({ posts: 300, clients: 20, fault: "refuse", incidents: ["flood"], seed: 3 });
  assertEquals(problems, []);
});

Deno.test("serve ends within 10 s of SIGTERM and loses nothing when 50 clients post and deliveries are slow", async () => {
  const { problems } = await load({
    ...{ posts: 300, clients: 50, fault: "slow-after-persisting", seed: 2 },
    incidents: ["SIGTERM", "SIGHUP"],
  });
  assertEquals(problems, []);
});
