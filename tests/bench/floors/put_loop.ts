// PUTs events one after another with `fetch`, each over a new connection.
const [url, count] = Deno.args;
const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
for (let at = 0; at < Number(count); at++) {
  const response = await fetch(url.replace("TXN", crypto.randomUUID()), {
    client,
    method: "PUT",
    headers: { Authorization: "Bearer token", "Content-Type": "application/json" },
    body: JSON.stringify({ msgtype: "m.text", body: `Host ${at} is down` }),
  });
  await response.json();
}
