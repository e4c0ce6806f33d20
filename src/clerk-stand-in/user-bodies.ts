import { z } from 'zod';
import { ClerkError } from './clerk-error.js';

const metadata = z.record(z.string(), z.unknown());
/** Clerk documents RFC 3339; the SDK sends a Date's JSON, which is that. */
const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const identificationStatuses = z.array(z.enum(['verified', 'reserved'])).optional();

const profile = {
  external_id: z.string().nullish(),
  first_name: z.string().nullish(),
  last_name: z.string().nullish(),
  locale: z.string().nullish(),
  username: z.string().min(4).max(64).nullish(),
  password: z.string().min(8).optional(),
  public_metadata: metadata.optional(),
  private_metadata: metadata.optional(),
  unsafe_metadata: metadata.optional(),
  created_at: time.optional(),
  legal_accepted_at: time.optional(),
  delete_self_enabled: z.boolean().optional(),
  create_organization_enabled: z.boolean().optional(),
  create_organizations_limit: z.int().min(0).nullish(),
  bypass_client_trust: z.boolean().optional(),
};

/** POST /users. Parameters that change nothing here (password digests, `skip_*`) are accepted and ignored. */
export const createUserBody = z.object({
  ...profile,
  email_address: z.array(z.email()).optional(),
  email_address_identification_status: identificationStatuses,
  phone_number: z.array(z.string().regex(/^\+[1-9]\d{6,14}$/)).optional(),
  phone_number_identification_status: identificationStatuses,
  web3_wallet: z.array(z.string()).optional(),
  banned: z.boolean().optional(),
  locked: z.boolean().optional(),
});

/** PATCH /users/{id}. */
export const updateUserBody = z.object({
  ...profile,
  primary_email_address_id: z.string().optional(),
  primary_phone_number_id: z.string().optional(),
});

/** PATCH (merge) and PUT (replace) /users/{id}/metadata. */
export const metadataBody = z.object({
  public_metadata: metadata.optional(),
  private_metadata: metadata.optional(),
  unsafe_metadata: metadata.optional(),
});

/** POST /email_addresses. */
export const createEmailBody = z.object({
  user_id: z.string(),
  email_address: z.email(),
  verified: z.boolean().optional(),
  primary: z.boolean().optional(),
});

/** PATCH /email_addresses/{id}. */
export const updateEmailBody = createEmailBody.pick({ verified: true, primary: true });

export const bulkBody = z.object({ user_ids: z.array(z.string()).min(1).max(50) });
export const createSessionBody = z.object({ user_id: z.string() });
export const sessionTokenBody = z.object({
  expires_in_seconds: z.int().min(1).max(315_360_000).optional(),
  claims: metadata.optional(),
});

export type CreateUserBody = z.input<typeof createUserBody>;
export type UpdateUserBody = z.input<typeof updateUserBody>;
export type MetadataBody = z.input<typeof metadataBody>;
export type CreateEmailBody = z.input<typeof createEmailBody>;
export type UpdateEmailBody = z.input<typeof updateEmailBody>;

/** @throws ClerkError 422 with `meta.param_name`, for the first thing wrong */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const name = String(issue?.path[0] ?? 'body');
  const missing = issue?.code === 'invalid_type' && issue.message.endsWith('received undefined');
  const code = missing ? 'form_param_missing' : 'form_param_format_invalid';
  throw ClerkError.invalid(name, issue?.message ?? 'The body is invalid.', code);
}
