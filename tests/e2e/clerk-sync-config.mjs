// What an application would write, but that it imports the package by its path.
import { appendFileSync } from 'node:fs';
import { defineClerkSync, defineUserHooks, defineUserMapping } from '../../dist/index.js';

const tell = ({ kind, user }) =>
  appendFileSync(process.env.HOOK_FILE, `${kind} ${user?.firstName} ${user?.plan}\n`);

export default defineClerkSync({
  mapping: defineUserMapping({ plan: { type: 'text', from: (user) => user.public_metadata.plan } }),
  hooks: defineUserHooks({ onUserCreated: tell, onUserUpdated: tell, onUserDeleted: tell }),
});
