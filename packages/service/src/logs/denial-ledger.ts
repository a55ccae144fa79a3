// Denials in; for each whether it gets a line of its own out, and summaries of those that do not. Each denial is in a line or in a summary.
import { networkOf } from 'ephemos/tls';

/** Denials that got no line of their own. */
export interface DenialSummary {
  readonly reason: string;
  /** An IPv4 address or an IPv6 /64; `undefined` where none is known, and with {@link OTHERS}. */
  readonly network: string | undefined;
  /** How many there were. */
  readonly denials: number;
  /** Since when, in milliseconds. */
  readonly duration: number;
}

/** The reason of a summary of what came from more sources than are kept apart. */
export const OTHERS = 'others';

/** What {@link DenialLedger} takes. */
export interface LedgerOptions {
  /** Lines for one reason and network before its denials are only counted. */
  readonly lines: number;
  /** How often they are summarised, in milliseconds. */
  readonly window: number;
  /** Reasons and networks that are kept apart at one time. */
  readonly maxKeys: number;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  readonly summarise: (summary: DenialSummary) => void;
}

interface Account {
  readonly reason: string;
  readonly network: string | undefined;
  /** When the window began. */
  since: number;
  linesLeft: number;
  counted: number;
}

/** Keeps accounts of denials by reason and network. */
export class DenialLedger {
  readonly #options: LedgerOptions;
  // In the order in which their windows end.
  readonly #accounts = new Map<string, Account>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** True when this denial gets a line. */
  note(reason: string, address: string | undefined): boolean {
    const now = this.#options.now();
    this.#endWindows(now);
    const account = this.#accountOf(reason, address === undefined ? undefined : networkOf(address), now);
    if (account.linesLeft > 0) {
      account.linesLeft -= 1;
      return true;
    }
    account.counted += 1;
    return false;
  }

  /** Summarises everything that was counted and forgets it. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const accounts = [...this.#accounts.values()];
    this.#accounts.clear();
    for (const account of accounts) this.#summarise(account, this.#options.now());
  }

  #accountOf(reason: string, network: string | undefined, now: number): Account {
    const { lines, maxKeys } = this.#options;
    const key = JSON.stringify([reason, network]);
    const known = this.#accounts.get(key);
    if (known !== undefined) return known;
    // One more place, for all the others together.
    if (this.#accounts.size < maxKeys) return this.#open(key, { reason, network, since: now, linesLeft: lines, counted: 0 });
    return this.#accounts.get(OTHERS) ?? this.#open(OTHERS, { reason: OTHERS, network: undefined, since: now, linesLeft: 0, counted: 0 });
  }

  #open(key: string, account: Account): Account {
    this.#accounts.set(key, account);
    this.#timer ??= this.#wait(this.#options.window);
    return account;
  }

  #wait(delay: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#endWindows(this.#options.now());
      this.#timer = undefined;
      const [first] = this.#accounts.values();
      // A timer may fire a little early by this clock.
      if (first !== undefined) this.#timer = this.#wait(Math.max(first.since + this.#options.window - this.#options.now(), 1));
    }, delay).unref();
  }

  #endWindows(now: number): void {
    for (const [key, account] of this.#accounts) {
      if (now - account.since < this.#options.window) return;
      this.#accounts.delete(key);
      if (account.counted === 0) continue;
      this.#summarise(account, now);
      // Who goes on is only counted, until there is a window without a denial.
      this.#open(key, { ...account, since: now, linesLeft: 0, counted: 0 });
    }
  }

  #summarise({ reason, network, counted, since }: Account, now: number): void {
    if (counted > 0) this.#options.summarise({ reason, network, denials: counted, duration: now - since });
  }
}
