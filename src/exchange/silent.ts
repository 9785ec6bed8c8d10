// A network that nobody hears: for an exchange that only goes through a journal, to make a snapshot.
import type {
  DatagramSocket,
  Network,
  StreamConnection,
  StreamListener,
} from '../net/transport.ts';

/** Takes every datagram and gives none. */
export class SilentSocket implements DatagramSocket {
  readonly host = '127.0.0.1';
  readonly port = 0;
  readonly senderHost = '';
  readonly senderPort = 0;
  readonly dropped = 0;
  readonly truncated = 0;
  readonly refused = 0;

  receive(): number {
    return 0;
  }

  send(): boolean {
    return true;
  }

  sendTo(): boolean {
    return true;
  }

  close(): void {}
}

class SilentListener implements StreamListener {
  readonly host = '127.0.0.1';
  readonly port = 0;

  accept(): StreamConnection | null {
    return null;
  }

  close(): void {}
}

export class SilentNetwork implements Network {
  readonly kind = 'silent';
  readonly needsEventLoop = false;
  readonly readyCount = 0;

  listen(): Promise<StreamListener> {
    return Promise.resolve(new SilentListener());
  }

  connect(): Promise<StreamConnection> {
    return Promise.reject(new Error('nobody can be reached over a silent network'));
  }

  multicastSender(): Promise<DatagramSocket> {
    return Promise.resolve(new SilentSocket());
  }

  multicastReceiver(): Promise<DatagramSocket> {
    return Promise.resolve(new SilentSocket());
  }

  unicast(): Promise<DatagramSocket> {
    return Promise.resolve(new SilentSocket());
  }

  poll(): number {
    return 0;
  }

  ready(): StreamConnection {
    throw new Error('a silent network has no connections');
  }

  arm(): void {}

  disarm(): void {}

  close(): void {}
}
