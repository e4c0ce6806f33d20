import type { Response } from 'express';

/** Answers JSON under exactly `application/json`: with Express's charset appended, Clerk's SDK returns text instead. */
export function sendJson(res: Response, status: number, body: unknown): void {
  const { answerDelayMs } = delays(res);
  const text = JSON.stringify(body);
  const send = () => {
    if (res.destroyed) return;
    res.statusCode = status;
    res.setHeader('Content-Type', 'application/json');
    res.end(text);
  };
  if (answerDelayMs > 0) {
    const timer = setTimeout(send, answerDelayMs);
    res.on('close', () => clearTimeout(timer));
  } else send();
}

const delays = (res: Response): { answerDelayMs: number } => ({
  answerDelayMs: Number(res.locals.answerDelayMs ?? 0),
});
