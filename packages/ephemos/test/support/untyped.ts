// Calls a function as a program without types does.
export function untyped(target: (...args: never[]) => unknown, ...args: readonly unknown[]): unknown {
  const result: unknown = Reflect.apply(target, undefined, args);
  return result;
}
