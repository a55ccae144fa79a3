// 'ephemos/undici': a dispatcher for undici and for the global fetch.
export { createDispatcher, type DispatcherOptions, type EphemosDispatcher } from './http/dispatcher.ts';
