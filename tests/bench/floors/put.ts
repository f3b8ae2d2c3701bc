// The smallest program that sends an event: one PUT with `fetch`.
const [url, token] = Deno.args;
const response = await fetch(url, {
  method: "PUT",
  headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
  body: JSON.stringify({ msgtype: "m.text", body: "Body" }),
});
console.log((await response.json()).event_id);
