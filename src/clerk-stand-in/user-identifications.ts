import type { EmailRecord, PhoneRecord, UserRecord, WalletRecord } from './user-record.js';

const NO_PHONES: readonly PhoneRecord[] = [];
const NO_WALLETS: readonly WalletRecord[] = [];

/** The compact e-mail stores no id of its own: it is the user's, under Clerk's prefix for identifications. */
const compactEmailId = (record: UserRecord): string => `idn_${record.id.slice('user_'.length)}`;

/** @returns the addresses in Clerk's order, the primary not necessarily first. */
export function emailsOf(record: UserRecord): readonly EmailRecord[] {
  if (record.rare.emails) return record.rare.emails;
  if (record.email === null) return [];
  const { createdAtMs } = record;
  const id = compactEmailId(record);
  return [
    {
      id,
      address: record.email,
      status: 'verified',
      strategy: 'email_code',
      createdAtMs,
      updatedAtMs: createdAtMs,
    },
  ];
}

export function primaryEmailIdOf(record: UserRecord): string | null {
  if (record.rare.emails) return record.rare.primaryEmailId ?? null;
  return record.email === null ? null : compactEmailId(record);
}

export function primaryEmailOf(record: UserRecord): string | null {
  if (!record.rare.emails) return record.email;
  const { emails, primaryEmailId } = record.rare;
  return emails.find((email) => email.id === primaryEmailId)?.address ?? null;
}

export const phonesOf = (record: UserRecord): readonly PhoneRecord[] => record.rare.phones ?? NO_PHONES;
export const walletsOf = (record: UserRecord): readonly WalletRecord[] => record.rare.wallets ?? NO_WALLETS;

export function primaryPhoneOf(record: UserRecord): string | null {
  return phonesOf(record).find((phone) => phone.id === record.rare.primaryPhoneId)?.number ?? null;
}
