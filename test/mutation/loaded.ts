/** Comes behind the core and before its tests: what was passed by now is passed while the core is loaded. */
(globalThis as { __coreLoaded__?: () => void }).__coreLoaded__?.();
