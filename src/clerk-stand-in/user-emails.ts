import { ClerkError } from './clerk-error.js';
import { newId } from './new-id.js';
import type { UpdateEmailBody } from './user-bodies.js';
import { emailsOf, primaryEmailIdOf } from './user-identifications.js';
import type { EmailRecord, RareParts, UserRecord } from './user-record.js';

/** @returns the new address and the user's parts with it: behind the others even when it becomes the primary one. */
export function withNewEmail(
  record: UserRecord,
  address: string,
  { verified = false, primary = false }: UpdateEmailBody,
  nowMs: number,
): { email: EmailRecord; rare: RareParts } {
  const email: EmailRecord = {
    id: newId('idn_', nowMs),
    address: address.toLowerCase(),
    status: verified ? 'verified' : 'unverified',
    strategy: 'admin',
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
  const current = emailsOf(record);
  const primaryEmailId = primary || current.length === 0 ? email.id : primaryEmailIdOf(record);
  return { email, rare: { ...record.rare, emails: [...current, email], primaryEmailId } };
}

export function withChangedEmail(
  record: UserRecord,
  id: string,
  { verified, primary }: UpdateEmailBody,
  nowMs: number,
): RareParts {
  const status = verified ? 'verified' : 'unverified';
  const emails = emailsOf(record).map((email) => {
    if (email.id !== id || verified === undefined) return email;
    return { ...email, status, strategy: 'admin', updatedAtMs: nowMs } satisfies EmailRecord;
  });
  return { ...record.rare, emails, primaryEmailId: primary ? id : primaryEmailIdOf(record) };
}

/** @throws ClerkError 422 for the last identification; the oldest address left becomes primary */
export function withoutEmail(record: UserRecord, id: string): RareParts {
  const emails = emailsOf(record).filter((email) => email.id !== id);
  if (emails.length === 0 && record.username === null && !record.rare.phones?.length) {
    throw ClerkError.invalid('email_address_id', 'The last identification of a user cannot be deleted.');
  }
  const primary = primaryEmailIdOf(record);
  return { ...record.rare, emails, primaryEmailId: primary === id ? (emails[0]?.id ?? null) : primary };
}
