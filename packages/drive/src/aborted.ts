/** What is promised, unless the signal is aborted before: then its reason is thrown. */
export async function unlessAborted<Result>(
  promised: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal?.reason);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort);
  });
  try {
    return await Promise.race([promised, aborted]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
