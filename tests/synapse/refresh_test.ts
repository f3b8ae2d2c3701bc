import { assertEquals, assertGreater } from "@std/assert";
import { synapseSuite } from "./harness.ts";
import { refreshStorm } from "./refresh_storm.ts";

const synapseTest = await synapseSuite({ refreshableAccessTokenLifetime: "5s" });

synapseTest(
  "renewAccount() keeps the login, on one device, if processes are killed while they renew its tokens",
  async (synapse) => {
    const { refreshes, kills, delivered, problems } = await refreshStorm(synapse, {
      sends: 14,
      overMs: 0,
      expiresAtOnce: true,
      seed: 4,
    });
    assertEquals(problems, []);
    assertGreater(refreshes, 3);
    assertGreater(kills.before + kills.unanswered + kills.after, 0);
    assertGreater(delivered, 5);
  },
);
