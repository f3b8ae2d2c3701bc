import { assertEquals } from "@std/assert";
import { HOOK_PRESETS, hookProtocol } from "../../../src/ingest/http/hook.ts";
import { chooseProtocol } from "../../../src/ingest/http/protocols.ts";
import { answer, readOne } from "./requests.ts";

const PVE = {
  title: "vzdump backup status (pve1.example.org): backup failed",
  message: "Details\n=======\nVMID    Name   Status\n100     web    err",
  severity: "error",
  fields: { type: "vzdump", hostname: "pve1", "job-id": "backup-1" },
};

Deno.test("hookProtocol() fills the templates of a mapping from JSON, a form and lists", () => {
  const hook = hookProtocol("backup", {
    subject: "{{job.name}}: {{results.0.state}}",
    message: "{{log}}",
    severity: "{{level}}",
    link: "{{job.url}}",
    key: "{{job.name}}",
    id: "{{run}}",
    silent: "{{quiet}}",
    resolves: new Map([["ok", ["true"]]]),
  });
  const body = {
    job: { name: "db", url: "https://x.example.org" },
    results: [{ state: "done" }],
    log: ["a"],
    level: "warn",
    run: 7,
    quiet: true,
    ok: true,
  };
  assertEquals(readOne(hook, { body }), {
    input: {
      subject: "db: done",
      message: '["a"]',
      severity: "warning",
      link: "https://x.example.org",
      key: "db",
      resolves: true,
      silent: true,
      origin: "backup",
    },
    id: "7",
  });
  assertEquals(readOne(hook, { body: "log=x&job.name=form" }).input.subject, "form:");
});

Deno.test("hookProtocol() shows the whole request if the mapping finds nothing in it", () => {
  const hook = hookProtocol("x", { subject: "Event {{name}}" });
  assertEquals(readOne(hook, { body: { other: "value" } }).input, {
    subject: "other: value",
    message: "",
    origin: "x",
  });
  assertEquals(readOne(hook, { body: "plain" }).input, { subject: "plain", message: "", origin: "x" });
});

Deno.test("HOOK_PRESETS.proxmox pairs the failure and the success of a job, and keeps other mails apart", () => {
  const hook = hookProtocol("pve", HOOK_PRESETS.proxmox);
  assertEquals(readOne(hook, { body: PVE }).input, {
    subject: PVE.title,
    message: PVE.message,
    severity: "error",
    origin: "pve1",
    key: "vzdump/pve1/backup-1",
    format: "code",
  });
  assertEquals(readOne(hook, { body: { ...PVE, severity: "info" } }).input.resolves, true);
  const mail = { ...PVE, fields: { type: "system-mail", hostname: "pve1" }, severity: "unknown" };
  const { key, severity } = readOne(hook, { body: mail }).input;
  assertEquals([key, severity], [undefined, "warning"]);
});

Deno.test("HOOK_PRESETS.truenas takes the text of the Slack service, without its escapes for HTML", () => {
  const hook = hookProtocol("nas", HOOK_PRESETS.truenas);
  const text = "TrueNAS @ nas.local\n\nNew alert:\n\n  * Pool tank is &lt;DEGRADED&gt; &amp;amp; &#x27;old&quot;";
  assertEquals(readOne(hook, { body: { text } }).input, {
    subject: "TrueNAS @ nas.local",
    message: "New alert:\n\n  * Pool tank is <DEGRADED> &amp; 'old\"",
    severity: "warning",
    origin: "truenas",
  });
});

Deno.test("hookProtocol() answers with 202 and the ids", () => {
  const hook = hookProtocol("x", { subject: "{{a}}" });
  const { status, body } = answer(hook, { body: { a: 1 } }, ["i"]);
  assertEquals([status, body], [202, '{"ids":["i"]}']);
});

Deno.test("chooseProtocol() knows each path and method", () => {
  const hooks = new Map([["pve", hookProtocol("pve", HOOK_PRESETS.proxmox)]]);
  const name = (method: string, path: string) => chooseProtocol(method, path, hooks)?.name;
  assertEquals(name("POST", "/notify"), "notify");
  assertEquals(name("PUT", "/notify/"), "notify");
  assertEquals(name("GET", "/notify"), undefined);
  assertEquals(name("POST", "/message"), "gotify");
  assertEquals(name("POST", "/alertmanager"), "alertmanager");
  assertEquals(name("POST", "/grafana"), "alertmanager");
  assertEquals(name("GET", "/uptime-kuma"), "uptime-kuma");
  assertEquals(name("POST", "/hooks/pve"), "hooks/pve");
  assertEquals(name("POST", "/hooks/other"), undefined);
  assertEquals(name("POST", "/"), "ntfy");
  assertEquals(name("PUT", "/topic"), "ntfy");
  assertEquals(name("GET", "/topic/trigger"), "ntfy");
  assertEquals(name("GET", "/topic"), undefined);
  assertEquals(name("DELETE", "/topic"), undefined);
  assertEquals(name("POST", "/a/b/c"), undefined);
});
