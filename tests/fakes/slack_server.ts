/** A server that answers like an incoming webhook. */
export class LoopbackSlack implements AsyncDisposable {
  readonly texts: string[] = [];
  readonly methods: string[] = [];
  /** The next responses; when the list is empty, 200 with `ok`. */
  readonly answers: Response[] = [];
  readonly #server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    this.methods.push(request.method);
    const answer = this.answers.shift() ?? new Response("ok");
    const text = await request.text();
    if (answer.ok && request.method === "POST") this.texts.push(JSON.parse(text).text);
    return answer;
  });

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/services/T0/B0/s3cr3t`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
