// The smallest durable send: lock, journal, fdatasync, PUT, mark as sent.
const [directory, url, token] = Deno.args;
const id = crypto.randomUUID();
const event = { msgtype: "m.text", body: "Body" };
using lock = Deno.openSync(`${directory}/lock`, { append: true, create: true });
using journal = Deno.openSync(`${directory}/journal`, { append: true, create: true });

function append(record: unknown): void {
  lock.lockSync(true);
  journal.writeSync(new TextEncoder().encode(`${JSON.stringify(record)}\n`));
  lock.unlockSync();
}

append({ type: "new", id, event });
journal.syncDataSync();
const response = await fetch(url.replace("TXN", id), {
  method: "PUT",
  headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
  body: JSON.stringify(event),
});
const { event_id } = await response.json();
if (event_id === undefined) throw new Error(`Cannot send: the status is ${response.status}`);
append({ type: "sent", id, event_id });
console.log(event_id);
