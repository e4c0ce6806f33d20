const ID = 'user_29w83sxmDNGwOuEthce5gg56FcC';
const EMAIL_ID = 'idn_29w83yL7CwVlJXylYLxcslromF1';
const SESSION_ID = 'sess_29w83sxmDNGwOuEthce5gg56FcC';
const CREATED_MS = 1654012591514;

/** As in Clerk's docs: older than today's schema, with keys too many (`birthday`) and too few (`banned`). */
const USER = {
  birthday: '',
  created_at: CREATED_MS,
  email_addresses: [
    {
      email_address: 'example@example.org',
      id: EMAIL_ID,
      linked_to: [],
      object: 'email_address',
      verification: { status: 'verified', strategy: 'ticket' },
    },
  ],
  external_accounts: [],
  external_id: '567772',
  first_name: 'Example',
  gender: '',
  id: ID,
  image_url: 'https://img.clerk.com/xxxxxx',
  last_name: 'Example',
  last_sign_in_at: CREATED_MS,
  object: 'user',
  password_enabled: true,
  phone_numbers: [],
  primary_email_address_id: EMAIL_ID,
  primary_phone_number_id: null,
  primary_web3_wallet_id: null,
  private_metadata: {},
  profile_image_url: 'https://www.gravatar.com/avatar?d=mp',
  public_metadata: {},
  two_factor_enabled: false,
  unsafe_metadata: {},
  updated_at: 1654012591835,
  username: null,
  web3_wallets: [],
};

const SESSION = {
  abandon_at: 1656604591514,
  client_id: 'client_29w83sxmDNGwOuEthce5gg56FcC',
  created_at: CREATED_MS,
  expire_at: 1654617391514,
  id: SESSION_ID,
  last_active_at: CREATED_MS,
  object: 'session',
  status: 'active',
  updated_at: CREATED_MS,
  user_id: ID,
  user: USER,
};

const DATA: Readonly<Record<string, object>> = {
  'user.created': USER,
  'user.updated': USER,
  'user.deleted': { deleted: true, id: ID, object: 'user' },
  'session.created': SESSION,
};

export const EXAMPLE_TYPES = Object.keys(DATA);

/** @returns the body of the dashboard's "Send Example", whose user exists nowhere; undefined for an unknown type */
export function exampleEvent(type: string): object | undefined {
  const data = DATA[type];
  return data && { data, instance_id: 'ins_123', object: 'event', timestamp: 1654012591835, type };
}
