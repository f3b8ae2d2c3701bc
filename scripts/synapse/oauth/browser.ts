/**
 * A browser for the pages of the OAuth 2.0 server: follows redirects and submits forms, with a
 * cookie jar.
 *
 * @module
 */

/** More pages than this are a loop. */
const MAX_PAGES = 20;

/** The values of a form, by the name of the field. */
type Answers = Readonly<Record<string, string>>;

/**
 * Opens the page of a login with the code in its address, logs in, and consents. Returns the HTML
 * of the last page.
 */
export async function confirmLogin(verificationUriComplete: string, localpart: string): Promise<string> {
  const answers = { login: localpart, password: "any will do" };
  const cookies = new Map<string, string>();
  let page = await open(new URL(verificationUriComplete), {}, cookies);
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const form = readForm(page.html, answers);
    if (form === undefined) return page.html;
    page = await open(new URL(form.action, page.url), { method: "POST", body: form.fields }, cookies);
  }
  throw new Error(`Cannot confirm the login: the pages loop at ${page.url.pathname}`);
}

interface Page {
  readonly url: URL;
  readonly html: string;
}

/** Sends a request and follows its redirects. */
async function open(start: URL, init: RequestInit, cookies: Map<string, string>): Promise<Page> {
  let url = start, request = init;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, { ...request, redirect: "manual", headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (name !== undefined) cookies.set(name, value);
    }
    const html = await response.text();
    const location = response.headers.get("location");
    if (location === null) {
      if (response.ok) return { url, html };
      throw new Error(`Cannot confirm the login: ${url.pathname} was answered ${response.status} ${html.slice(-500)}`);
    }
    url = new URL(location, url);
    request = {};
  }
  throw new Error(`Cannot confirm the login: redirects loop at ${url.pathname}`);
}

/** Fills in the form of a page; undefined if there is none. */
function readForm(
  html: string,
  answers: Answers,
): { readonly action: string; readonly fields: URLSearchParams } | undefined {
  const [, attributes, inner] = /<form([^>]*)>(.*?)<\/form>/s.exec(html) ?? [];
  const action = /action="([^"]*)"/.exec(attributes ?? "")?.[1];
  if (action === undefined) return undefined;
  const fields = new URLSearchParams();
  for (const [input] of inner.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(input)?.[1];
    if (name !== undefined) fields.set(name, answers[name] ?? /value="([^"]*)"/.exec(input)?.[1] ?? "");
  }
  return { action, fields };
}
