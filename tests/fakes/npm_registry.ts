/**
 * A registry of npm packages on the loopback interface, for the tests of the lock files. It speaks
 * the part of npm's protocol that Deno uses: one document per package, and tarballs. A package is
 * text: the source of its only module.
 */

/** One version of a package. */
export interface FakePackage {
  readonly name: string;
  readonly version: string;
  /** The names and version ranges of its dependencies. */
  readonly dependencies?: Readonly<Record<string, string>>;
  /** The source of its module. */
  readonly source: string;
}

/** A running registry. */
export class NpmRegistry implements AsyncDisposable {
  /** The paths of all requests: `/parse5`, `/parse5/-/parse5-8.0.1.tgz`. */
  readonly requests: string[] = [];
  readonly #packages: FakePackage[];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(packages: readonly FakePackage[]) {
    this.#packages = [...packages];
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(new URL(request.url).pathname),
    );
  }

  /** Starts a registry that offers these packages. */
  static start(packages: readonly FakePackage[]): NpmRegistry {
    return new NpmRegistry(packages);
  }

  /** The address, with a slash at the end, as `NPM_CONFIG_REGISTRY` takes it. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Offers one more version, or replaces a version that has the same number. */
  publish(added: FakePackage): void {
    const at = this.#packages.findIndex(({ name, version }) => name === added.name && version === added.version);
    this.#packages.splice(at < 0 ? this.#packages.length : at, at < 0 ? 0 : 1, added);
  }

  async #answer(path: string): Promise<Response> {
    this.requests.push(path);
    const [, name, file] = /^\/([^/]+)(?:\/-\/(.+)\.tgz)?$/.exec(path) ?? [];
    const versions = this.#packages.filter((one) => one.name === name);
    if (versions.length === 0) return new Response("not found", { status: 404 });
    if (file === undefined) return Response.json(await this.#document(name, versions));
    const wanted = versions.find(({ version }) => file === `${name}-${version}`);
    return wanted ? new Response(await tarball(wanted)) : new Response("not found", { status: 404 });
  }

  async #document(name: string, versions: readonly FakePackage[]): Promise<unknown> {
    const described = versions.map(async (one) => [one.version, {
      ...manifest(one),
      dist: { tarball: `${this.url}${name}/-/${name}-${one.version}.tgz`, integrity: await integrity(one) },
    }]);
    const latest = versions.at(-1)?.version;
    return { name, "dist-tags": { latest }, versions: Object.fromEntries(await Promise.all(described)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function manifest({ name, version, dependencies = {} }: FakePackage) {
  return { name, version, dependencies, type: "module", main: "index.js" };
}

async function integrity(one: FakePackage): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-512", await tarball(one));
  return `sha512-${new Uint8Array(hash).toBase64()}`;
}

/** Packs `package/package.json` and `package/index.js`. */
async function tarball(one: FakePackage): Promise<Uint8Array<ArrayBuffer>> {
  const blocks = [
    ...tarFile("package/package.json", JSON.stringify(manifest(one))),
    ...tarFile("package/index.js", one.source),
    new Uint8Array(1024),
  ];
  const packed = new Blob(blocks).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

/** The header and the content of a file in the format `ustar`, in blocks of 512 bytes. */
function tarFile(path: string, text: string): readonly Uint8Array<ArrayBuffer>[] {
  const encoder = new TextEncoder();
  const content = encoder.encode(text);
  const header = new Uint8Array(512);
  const write = (at: number, field: string) => header.set(encoder.encode(field), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  write(0, path);
  write(100, `${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0${octal(content.length, 11)}\0${octal(0, 11)}\0`);
  write(148, "        0");
  write(257, "ustar\x0000");
  write(148, `${octal(header.reduce((sum, byte) => sum + byte, 0), 6)}\0 `);
  const padded = new Uint8Array(Math.ceil(content.length / 512) * 512);
  padded.set(content);
  return [header, padded];
}
