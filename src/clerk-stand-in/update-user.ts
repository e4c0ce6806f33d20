import type { z } from 'zod';
import { ClerkError } from './clerk-error.js';
import { profileParts } from './create-user.js';
import { storedMetadata } from './metadata.js';
import type { updateUserBody } from './user-bodies.js';
import { emailsOf, phonesOf, primaryEmailIdOf } from './user-identifications.js';
import type { UserRecord } from './user-record.js';

/**
 * What PATCH /users/{id} changes; what was not sent stays.
 * @throws ClerkError 422 when a primary id names nothing of this user
 */
export function updateUser(
  record: UserRecord,
  body: z.output<typeof updateUserBody>,
  nowMs: number,
): Partial<UserRecord> {
  const { primary_email_address_id: emailId, primary_phone_number_id: phoneId } = body;
  if (emailId !== undefined && !emailsOf(record).some((email) => email.id === emailId)) {
    throw ClerkError.invalid('primary_email_address_id', `The user has no email address with id ${emailId}.`);
  }
  if (phoneId !== undefined && !phonesOf(record).some((phone) => phone.id === phoneId)) {
    throw ClerkError.invalid('primary_phone_number_id', `The user has no phone number with id ${phoneId}.`);
  }
  return {
    ...(body.first_name !== undefined ? { firstName: body.first_name } : {}),
    ...(body.last_name !== undefined ? { lastName: body.last_name } : {}),
    ...(body.username !== undefined ? { username: body.username } : {}),
    ...(body.external_id !== undefined ? { externalId: body.external_id } : {}),
    ...(body.created_at !== undefined ? { createdAtMs: body.created_at } : {}),
    ...(body.public_metadata
      ? { publicMetadata: storedMetadata('public_metadata', body.public_metadata) }
      : {}),
    rare: {
      ...record.rare,
      ...profileParts(body, nowMs),
      // An address with times of its own cannot stay compact once `created_at` moves.
      ...(emailId !== undefined || body.created_at !== undefined
        ? { emails: emailsOf(record), primaryEmailId: emailId ?? primaryEmailIdOf(record) }
        : {}),
      ...(phoneId !== undefined ? { primaryPhoneId: phoneId } : {}),
    },
  };
}
