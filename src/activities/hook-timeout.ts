/** A hook did not end in time. */
export class HookTimeout extends Error {
  override name = 'HookTimeout';
  constructor(timeoutMs: number) {
    super(`It did not end within ${timeoutMs} ms.`);
  }
}
