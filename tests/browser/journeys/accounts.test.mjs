// Setup, sign-in and invitation: what is typed wrong is said at its field, and what is right leads on.
import assert from 'node:assert/strict';
import { OWNER, api, field, see, stage } from '../src/stage.mjs';

const it = stage();

it.journey('the first owner sets up by the printed link, after every mistake was pointed out', async () => {
  const page = await it.open();
  await page.goto('/setup');
  await see(page, 'This link lacks its secret');
  await page.goto('/setup#nonsense');
  await page.reload();
  await field(page, 'E-mail address').fill('ada');
  await field(page, 'Password').fill('short');
  await page.getByRole('button', { name: 'Set up' }).click();
  await see(page, 'Write an e-mail address');
  await see(page, 'Your name must say something');
  await see(page, 'At least 10 characters; these are 5');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'email', 'the first mistake has the focus');
  for (const [label, value] of [['E-mail address', OWNER.email], ['Your name', OWNER.name], ['Password', OWNER.password]]) {
    await field(page, label).fill(value);
  }
  await page.getByRole('button', { name: 'Set up' }).click();
  // A wrong link is refused in the server's own words.
  await page.getByRole('alert').filter({ hasText: /link/ }).waitFor();
  await page.goto('about:blank');
  await page.goto(await it.server.link());
  // The secret does not stay in the address.
  await page.waitForURL((url) => url.hash === '');
  for (const [label, value] of [['E-mail address', OWNER.email], ['Your name', OWNER.name], ['Password', OWNER.password]]) {
    await field(page, label).fill(value);
  }
  await page.getByRole('button', { name: 'Set up' }).click();
  await page.waitForURL(/\/orgs\/org_[a-z0-9]+\/nodes$/);
  await page.goto(await it.server.link());
  await see(page, 'set up already');
});

it.journey('signing in leads to where one wanted to be, and a wrong password is said', async () => {
  const page = await it.open();
  const owner = await it.owner();
  const wanted = `/orgs/${owner.org}/settings`;
  await page.goto(wanted);
  await page.waitForURL(/\/sign-in\?then=/);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await see(page, 'Type your password');
  await field(page, 'E-mail address').fill(OWNER.email);
  await field(page, 'Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').filter({ hasText: /password/i }).waitFor();
  await field(page, 'Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(`**${wanted}`);
  await page.goto('/sign-in?then=https://elsewhere.example/');
  await page.waitForURL(/\/orgs\//);
  assert.ok(page.url().startsWith(it.server.url), 'nobody is led elsewhere');
});

it.journey('who is invited joins by the link, and sees as much as their role may', async () => {
  const owner = await it.owner();
  const invited = await api(owner, 'POST', '/members', { email: 'bob@example.com', role: 'member' });
  const page = await it.open();
  await page.goto(invited.invitation.link);
  await page.getByRole('button', { name: 'Join' }).click();
  await see(page, 'At least 10 characters');
  await field(page, 'Your name').fill('Bob');
  await field(page, 'Password').fill('another fine horse');
  await page.getByRole('button', { name: 'Join' }).click();
  await page.waitForURL(/\/nodes$/);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wider <= 0, `why the button at the edge may not be pressed makes the page ${wider} px wider`);
  await page.goto(`/orgs/${owner.org}/nodes/new`);
  const create = page.getByRole('button', { name: 'Create node' });
  assert.equal(await create.getAttribute('aria-disabled'), 'true');
  await create.focus();
  await see(page, /Only an admin or owner/);
});
