/**
 * A point in time, or a span of it, in milliseconds. Any monotonic origin will do, so long as one session
 * always gets the same. The core has no clock: time is an input, and where it is left out none has passed.
 */
export type Millis = number;
