// The certified `oidc-provider` on loopback, where logging in means picking a person from a list.
// Everything it knows (issuer, keys, clients, people) comes from the JSON file named by CONFIG.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';

import { GROUPS, errorPage, pickerPage, stylesheet } from './views.mjs';

// In-memory storage on loopback is the point here, and there are tests for what its notices warn of.
for (const level of ['info', 'warn']) {
  const original = console[level].bind(console);
  console[level] = (first, ...rest) => {
    if (!String(first).includes('oidc-provider ')) original(first, ...rest);
  };
}
const { default: Provider, interactionPolicy } = await import('oidc-provider');

const NUMBER_SCOPE = 'https://id.oidc.se/scope/naturalPersonNumber';
const ALGORITHMS = ['RS256', 'PS256', 'ES256'];
const config = JSON.parse(readFileSync(process.env.CONFIG, 'utf8'));
const people = new Map(config.people.map((person) => [person.id, person]));
const personClaims = [...new Set(config.people.flatMap((person) => Object.keys(person.claims)))];
const isNumber = (name) => name.startsWith('https://id.oidc.se/claim/');
const misplaced = config.people.filter((person) => !GROUPS.includes(person.group));
if (misplaced.length) throw new Error(`group is one of ${GROUPS.join(', ')}: ${misplaced.map((person) => person.id)}`);
const redirectOrigins = [
  ...new Set(config.clients.flatMap((client) => client.redirect_uris.map((uri) => new URL(uri).origin))),
];

function askEveryTime() {
  const policy = interactionPolicy.base();
  const { Check } = interactionPolicy;
  policy.get('login').checks.add(
    new Check('pick_a_person', 'A person must be picked', (ctx) =>
      ctx.oidc.result?.login ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT),
  );
  return policy;
}

// The person agreed to share what was asked for by picking themselves: no consent page.
async function grantEverythingAsked(ctx) {
  const { oidc } = ctx;
  const grant = new oidc.provider.Grant({
    clientId: oidc.client.clientId,
    accountId: oidc.session.accountId,
  });
  grant.addOIDCScope([...oidc.requestParamScopes].join(' '));
  await grant.save();
  return grant;
}

const provider = new Provider(config.issuer, {
  acrValues: [...new Set(config.people.map((person) => person.acr))],
  claims: {
    openid: ['sub', 'acr', 'auth_time', ...personClaims.filter((name) => !isNumber(name))],
    [NUMBER_SCOPE]: personClaims.filter(isNumber),
  },
  clientAuthMethods: ['private_key_jwt'],
  clientDefaults: {
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'private_key_jwt',
    id_token_signed_response_alg: config.id_token_alg ?? 'RS256',
    subject_type: 'pairwise',
  },
  clients: config.clients,
  // Claims go in the id token, as the Swedish brokers send them.
  conformIdTokenClaims: false,
  cookies: { keys: config.cookie_keys },
  discovery: { ui_locales_supported: ['sv', 'en'] },
  enabledJWA: { clientAuthSigningAlgValues: ALGORITHMS, idTokenSigningAlgValues: ALGORITHMS },
  expiresWithSession: () => false,
  features: {
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    resourceIndicators: { enabled: false },
    rpInitiatedLogout: { enabled: false },
  },
  findAccount: (ctx, id) => {
    const person = people.get(id);
    return person && { accountId: id, claims: () => ({ sub: id, ...person.claims }) };
  },
  interactions: { policy: askEveryTime(), url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  jwks: config.jwks,
  loadExistingGrant: grantEverythingAsked,
  pairwiseIdentifier: (ctx, accountId, client) =>
    createHash('sha256')
      .update(`${client.sectorIdentifier}\n${accountId}\n${config.cookie_keys[0]}`)
      .digest('base64url'),
  pkce: { required: () => true },
  renderError: (ctx, out) => {
    ctx.type = 'html';
    ctx.body = errorPage(out.error_description ?? out.error);
  },
  responseTypes: ['code'],
  scopes: ['openid', NUMBER_SCOPE],
  subjectTypes: ['pairwise'],
  ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 600, IdToken: 300, Interaction: 1800, Session: 600 },
});

// One browser plays many people: nobody stays logged in at the provider.
provider.use(async (ctx, next) => {
  await next();
  if (ctx.oidc?.route === 'resume' && ctx.oidc.session) await ctx.oidc.session.destroy();
});

async function readForm(request) {
  let body = '';
  for await (const chunk of request) {
    body += chunk;
    if (body.length > 4096) throw new Error('form too large');
  }
  return new URLSearchParams(body);
}

function sendPage(response, status, html) {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    // Browsers apply form-action to the redirects that follow, so the clients' origins are listed.
    'content-security-policy':
      `default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self' ${redirectOrigins.join(' ')}`,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  response.end(html);
}

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') {
    sendPage(response, 200, pickerPage(config.people, details.params.ui_locales));
    return;
  }
  const form = await readForm(request);
  const person = people.get(form.get('person'));
  const result = person
    ? { login: { accountId: person.id, acr: person.acr, remember: false } }
    : { error: 'access_denied', error_description: 'nobody was picked' };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

const handle = provider.callback();
const server = http.createServer((request, response) => {
  if (request.url === '/style.css') {
    response.writeHead(200, { 'content-type': 'text/css; charset=utf-8' });
    response.end(stylesheet);
  } else if (request.url === '/favicon.ico') {
    response.writeHead(204);
    response.end();
  } else if (request.url.startsWith('/interaction/')) {
    interact(request, response).catch(() => sendPage(response, 400, errorPage('')));
  } else {
    handle(request, response);
  }
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}
server.listen(config.port, '127.0.0.1', () => {
  console.log(JSON.stringify({ level: 'info', message: 'identity provider ready', issuer: config.issuer }));
});
