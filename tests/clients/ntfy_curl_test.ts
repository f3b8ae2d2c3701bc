/**
 * Sends with curl what the documentation of ntfy shows for curl ("Publishing"): every form of every
 * example, with texts of our own.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { clientSuite } from "./install.ts";
import { findProgram } from "../fakes/find_program.ts";

const clientTest = await clientSuite("curl", () => findProgram("curl"));

/** Command lines by section of the documentation, each with the messages in the room. */
const EXAMPLES: Readonly<Record<string, readonly (readonly [line: string, ...texts: string[]])[]>> = {
  "Publishing": [
    ['curl -d "Backup done 😀" $NTFY/mytopic', "[jump] Backup done 😀"],
    [
      'curl -H "Title: Login" -H "Priority: urgent" -H "Tags: warning,skull" -d "From 192.0.2.7" $NTFY/alerts',
      "[jump] 🚨 ⚠️ 💀 Login\n\nFrom 192.0.2.7",
    ],
    [
      `curl -H "Click: https://door.example/" -H "Attach: https://door.example/visitor.jpg" \\
        -H "Actions: http, Open door, https://door.example/open, clear=true" -H "Email: phil@example.org" \\
        -d "A visitor. 🐶

Please open." $NTFY/mydoorbell`,
      "[jump] A visitor. 🐶\n\nPlease open.\n\nAttachment: https://door.example/visitor.jpg\n\n→ Open door: POST https://door.example/open\n\n🔗 https://door.example/\n\n✂ Cannot send a mail to phil@example.org: configure a channel for it",
    ],
  ],
  "Message title": [
    ['curl -H "X-Title: Long name" -d "Text" $NTFY/titles', "[jump] Long name\n\nText"],
    ['curl -H "Title: Usual name" -d "Text" $NTFY/titles', "[jump] Usual name\n\nText"],
    ['curl -H "t: Short name" -d "Text" $NTFY/titles', "[jump] Short name\n\nText"],
    [
      'curl -H "Title: =?UTF-8?B?w4RwZmVs?= and =?UTF-8?Q?=C3=96l?=" -d "Text" $NTFY/titles',
      "[jump] Äpfel and Öl\n\nText",
    ],
    ['curl -H "Title: Äpfel" -d "Text" $NTFY/titles', "[jump] Äpfel\n\nText"],
  ],
  "Message priority": [
    ['curl -H "X-Priority: 5" -d "Urgent" $NTFY/alerts', "[jump] 🚨 Urgent"],
    ['curl -H "Priority: low" -d "Low" $NTFY/alerts', "[jump] Low"],
    ['curl -H p:4 -d "High" $NTFY/alerts', "[jump] ⚠️ High"],
  ],
  "Tags & emojis": [
    [
      'curl -H "X-Tags: warning,mailsrv13,daily-backup" -d "Backup failed" $NTFY/backups',
      "[jump] ⚠️ Backup failed\n\nTags: mailsrv13, daily-backup",
    ],
    ['curl -H "Tags: horse,unicorn" -d "Animals" $NTFY/backups', "[jump] 🐴 🦄 Animals"],
    ['curl -H ta:dog -d "An animal" $NTFY/backups', "[jump] 🐶 An animal"],
  ],
  "Markdown formatting": [
    ['curl -H "Markdown: yes" -d "**bold** and *italics*" $NTFY/mytopic', "[jump] mytopic\n\n**bold** and *italics*"],
    ['curl -H "Content-Type: text/markdown" -H "Title: T" -d "**bold**" $NTFY/mytopic', "[jump] T\n\n**bold**"],
  ],
  "Scheduled delivery": [
    [
      'curl -H "At: tomorrow, 10am" -d "Good morning" $NTFY/hello',
      '[jump] Good morning\n\n✂ Cannot delay the notification until "tomorrow, 10am": it was sent at once',
    ],
    [
      'curl -H "In: 30min" -d "Half an hour later" $NTFY/reminder',
      '[jump] Half an hour later\n\n✂ Cannot delay the notification until "30min": it was sent at once',
    ],
    [
      'curl -H "Delay: 1639194738" -d "A timestamp" $NTFY/unix',
      '[jump] A timestamp\n\n✂ Cannot delay the notification until "1639194738": it was sent at once',
    ],
  ],
  "Webhooks": [
    ["curl $NTFY/mywebhook/trigger", "[jump] triggered"],
    [
      'curl "$NTFY/mywebhook/publish?message=Webhook+triggered&priority=high&tags=warning,skull"',
      "[jump] ⚠️ 💀 Webhook triggered",
    ],
    ['curl "$NTFY/mywebhook/send?title=Sent&message=By+GET"', "[jump] Sent\n\nBy GET"],
  ],
  "Message templating": [
    [
      `curl --globoff -d '{"hostname": "pc", "error": {"level": "severe", "desc": "No space"}}' \\
        "$NTFY/mytopic?tpl=yes&t={{.hostname}}:+A+{{.error.level}}+error&m=Message:+{{.error.desc}}"`,
      "[jump] pc: A severe error\n\nMessage: No space",
    ],
  ],
  "Publish as JSON": [
    [
      `curl $NTFY -d '{"topic": "mytopic", "message": "5.1 GB left", "title": "Low disk space", "tags": ["warning", "cd"],
        "priority": 4, "attach": "https://files.example/space.jpg", "filename": "diskspace.jpg",
        "click": "https://camera.example/x", "actions": [
          { "action": "view", "label": "Admin panel", "url": "https://files.example/admin" }] }'`,
      "[jump] ⚠️ 💿 Low disk space\n\n5.1 GB left\n\nAttachment: diskspace.jpg https://files.example/space.jpg\n\n→ Admin panel: https://files.example/admin\n\n🔗 https://camera.example/x",
    ],
  ],
  "Action buttons": [
    [
      `body='{"temperature": 65}'; curl -d "Turn down the heating?" \\
        -H "Actions: view, Open portal, https://home.example/, clear=true; \\
                     http, Turn down, https://api.example/, body='$body'" $NTFY/myhome`,
      '[jump] Turn down the heating?\n\n→ Open portal: https://home.example/\n→ Turn down: POST https://api.example/: {"temperature": 65}',
    ],
    [
      `curl $NTFY -d '{"topic": "myhome", "message": "Turn down the heating?", "actions": [
        { "action": "view", "label": "Open portal", "url": "https://home.example/", "clear": true },
        { "action": "http", "label": "Turn down", "url": "https://api.example/", "body": "{\\"temperature\\": 65}" }] }'`,
      '[jump] Turn down the heating?\n\n→ Open portal: https://home.example/\n→ Turn down: POST https://api.example/: {"temperature": 65}',
    ],
    [
      'curl -d "A post" -H "Actions: view, Open it, https://posts.example/1" $NTFY/myhome',
      "[jump] A post\n\n→ Open it: https://posts.example/1",
    ],
    [
      `curl $NTFY -d '{"topic": "myhome", "message": "A post", "actions": [
        { "action": "view", "label": "Open it", "url": "https://posts.example/1" }] }'`,
      "[jump] A post\n\n→ Open it: https://posts.example/1",
    ],
    [
      'curl -d "A request" -H "Actions: broadcast, Take picture, extras.cmd=pic, extras.camera=front" $NTFY/phone',
      "[jump] A request\n\n→ Take picture",
    ],
    [
      `curl $NTFY -d '{"topic": "phone", "message": "A request", "actions": [
        { "action": "broadcast", "label": "Take picture", "extras": { "cmd": "pic", "camera": "front" } }] }'`,
      "[jump] A request\n\n→ Take picture",
    ],
    [
      `curl -d "The door is open." -H "Actions: http, Close door, https://garage.example/, method=PUT, \\
        headers.Authorization=Bearer secret, body={\\"action\\": \\"close\\"}" $NTFY/myhome`,
      '[jump] The door is open.\n\n→ Close door: PUT https://garage.example/: {"action": "close"}',
    ],
    [
      `curl $NTFY -d '{"topic": "myhome", "message": "The door is open.", "actions": [
        { "action": "http", "label": "Close door", "url": "https://garage.example/", "method": "PUT",
          "headers": { "Authorization": "Bearer secret" }, "body": "{\\"action\\": \\"close\\"}" }] }'`,
      '[jump] The door is open.\n\n→ Close door: PUT https://garage.example/: {"action": "close"}',
    ],
  ],
  "Click action": [
    [
      'curl -d "New messages" -H "Click: https://mail.example/inbox" $NTFY/mails',
      "[jump] New messages\n\n🔗 https://mail.example/inbox",
    ],
  ],
  "Attachments": [
    [
      'printf image > flower.jpg; curl -T flower.jpg -H "Filename: flower.jpg" $NTFY/flowers',
      "[jump] File: flower.jpg",
      "flower.jpg",
    ],
    [
      'curl -X POST -H "Attach: https://apps.example/App.apk" $NTFY/mydownloads',
      "[jump] File: App.apk\n\nAttachment: https://apps.example/App.apk",
    ],
    [
      'printf log > a.log; curl -T a.log -H "Filename: a.log" -H "Title: T" -H "Message: See the file" $NTFY/logs',
      "[jump] T\n\nSee the file",
      "a.log",
    ],
  ],
  "Icons": [
    [
      'curl -H "Icon: https://icons.example/i.png" -H "Title: Film" -H "Tags: arrow_forward" -d "S01E01" $NTFY/tv',
      "[jump] ▶️ Film\n\nS01E01",
    ],
  ],
  "E-mail notifications": [
    [
      'curl -H "Email: phil@example.org" -H "Tags: warning,ssh-login" -H "Priority: high" -d "Unknown login" $NTFY/alerts',
      "[jump] ⚠️ Unknown login\n\nTags: ssh-login\n\n✂ Cannot send a mail to phil@example.org: configure a channel for it",
    ],
    [
      'curl -d "Mail" "$NTFY/alerts?email=phil@example.org"',
      "[jump] Mail\n\n✂ Cannot send a mail to phil@example.org: configure a channel for it",
    ],
  ],
  "Phone calls": [
    [
      'curl -u :$TOKEN -H "Call: +12223334444" -d "Fire" $NTFY/alerts',
      "[jump] Fire\n\n✂ Cannot call +12223334444: this server makes no phone calls",
    ],
  ],
  "Authentication": [
    ['curl -u testuser:$TOKEN -d "A password" $NTFY/mysecrets', "[jump] A password"],
    ['curl -H "Authorization: Bearer $TOKEN" -d "A token" $NTFY/mysecrets', "[jump] A token"],
    ['curl -u :$TOKEN -d "A token as password" $NTFY/mysecrets', "[jump] A token as password"],
    [
      `auth=$(printf 'Bearer %s' $TOKEN | base64 -w0 | tr -d =); curl -d "A token in the query" "$NTFY/mysecrets?auth=$auth"`,
      "[jump] A token in the query",
    ],
    [
      `login=$(printf 'u:%s' $TOKEN | base64 -w0); auth=$(printf 'Basic %s' $login | base64 -w0 | tr -d =)
        curl -d "A login in the query" "$NTFY/mysecrets?auth=$auth"`,
      "[jump] A login in the query",
    ],
  ],
  "Message caching": [
    ['curl -H "X-Cache: no" -d "Not stored" $NTFY/mytopic', "[jump] Not stored"],
    ['curl -H "Cache: no" -d "Not stored" $NTFY/mytopic', "[jump] Not stored"],
  ],
  "Disable Firebase": [
    ['curl -H "X-Firebase: no" -d "Not forwarded" $NTFY/mytopic', "[jump] Not forwarded"],
    ['curl -H "Firebase: no" -d "Not forwarded" $NTFY/mytopic', "[jump] Not forwarded"],
  ],
  "UnifiedPush": [
    ['curl -d "Wake up" "$NTFY/upAbCdEf0123?up=1"', "[jump] Wake up"],
  ],
  "Updating notifications": [
    ['curl -d "10 %" $NTFY/mytopic/download-1', "[jump] 10 %"],
    ['curl -H "X-Sequence-ID: download-2" -d "20 %" $NTFY/mytopic', "[jump] 20 %"],
  ],
};

/** The documentation shows most examples without a login. */
const SENDERS = { client: { token: "tk_0123456789abcdefghijklmnopqrs" }, local: { networks: ["127.0.0.1"] } };

clientTest("curl sends every example of ntfy's documentation", async (server) => {
  const examples = Object.values(EXAMPLES).flat();
  const script = ['set -e; curl() { command curl -sSf "$@"; }', ...examples.map(([line]) => line)].join("\n");
  await server.run("sh", ["-c", script], { NTFY: server.url, TOKEN: server.token });
  assertEquals(await server.arrived(), examples.flatMap(([, ...texts]) => texts));
}, { http: { senders: SENDERS } });
