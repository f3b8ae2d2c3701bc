/** Asks a question when its answer is first needed, and gives the same answer, or the same failure, to whoever asks again. */
export function once<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let answer: Promise<Answer> | undefined;
  return () => answer ??= ask();
}
