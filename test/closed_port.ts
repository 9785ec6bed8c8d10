// A TCP port where surely nobody listens, for tests of what comes then: a fixed number, however odd, may be somebody's.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

const HOST = '127.0.0.1';

/**
 * Refuses whoever connects to it until the test has ended: it is the near end of a connection, so nobody else can listen there.
 * No descriptor comes or goes meanwhile.
 */
export async function closedPort(t: TestContext): Promise<number> {
  const server = createServer((peer) => void peer.on('error', () => {}));
  t.after(() => server.close());
  await once(server.listen(0, HOST), 'listening');
  const near = connect((server.address() as AddressInfo).port, HOST);
  t.after(() => near.destroy());
  await Promise.all([once(near, 'connect'), once(server, 'connection')]);
  return near.localPort ?? 0;
}
