;; Finds what is worth a thought in message data, 16 octets at a time: what simd.ts, which copies the data in and calls it,
;; makes a Scanner of (scan.ts says what the finds are). `pnpm simd` assembles it into simd-module.ts.
;;
;; All finds are differences between the octets and the octets one before them:
;;
;;     LF, or behind CR, but not both     a bare LF, or the octet behind a bare CR
;;     dot, and behind LF                 a dot at the begin of a line (that of a bare LF is a find before)
;;
;; Lines are measured by their first LF in 16 octets and go on from the last: those between are shorter than 16.
(module
  ;; 0: the line begin that `next` tells, 4: its flags; 16: a mask; the window is behind, and octets that stop the search.
  (memory (export "memory") 1)
  (data (i32.const 16) "\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")

  ;; Returns the address of the first find at $at or behind it. Behind the data has to be an LF that is one.
  ;; Leaves at 0 the address at which the line begins in which the find is, 0 if it began before $at;
  ;; at 4: 1 if an octet in between is 128 or more, plus 2 if one is 0.
  (func (export "next")
    (param $at i32)
    (param $prior i32)  ;; the octet before $at
    (param $dot i32)    ;; the octet that is a find behind LF; LF where none is
    (param $last i32)   ;; the last address at which the CR of the line in hand may be
    (param $most i32)   ;; the most octets of a line, at least 16
    (result i32)
    (local $octets v128) (local $priors v128) (local $behind v128) ;; behind: each octet's neighbour before it
    (local $lf v128) (local $cr v128) (local $dots v128)           ;; 16 times that octet
    (local $isLf v128) (local $behindCr v128) (local $found v128) (local $mask v128)
    (local $high v128) (local $low v128)                           ;; all octets passed, OR-ed; the least of them
    (local $line i32) (local $finds i32) (local $lines i32) (local $count i32)

    (local.set $lf (i8x16.splat (i32.const 0x0a)))
    (local.set $cr (i8x16.splat (i32.const 0x0d)))
    (local.set $dots (i8x16.splat (local.get $dot)))
    (local.set $priors (i8x16.splat (local.get $prior)))
    (local.set $low (i8x16.splat (i32.const 1)))

    (block $stop
      (loop $step
        (local.set $octets (v128.load (local.get $at)))
        (local.set $behind
          (i8x16.shuffle 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 (local.get $priors) (local.get $octets)))
        (local.set $isLf (i8x16.eq (local.get $octets) (local.get $lf)))
        (local.set $behindCr (i8x16.eq (local.get $behind) (local.get $cr)))
        (local.set $found
          (v128.or
            (v128.xor (local.get $isLf) (local.get $behindCr))
            (v128.and
              (i8x16.eq (local.get $octets) (local.get $dots))
              (i8x16.eq (local.get $behind) (local.get $lf)))))
        (br_if $stop (v128.any_true (local.get $found)))
        (local.set $lines (i8x16.bitmask (local.get $isLf)))
        (if (local.get $lines)
          (then
            (br_if $stop
              (i32.gt_s (i32.add (local.get $at) (i32.ctz (local.get $lines)))
                        (i32.add (local.get $last) (i32.const 1))))
            (local.set $line (i32.sub (i32.add (local.get $at) (i32.const 32)) (i32.clz (local.get $lines))))
            (local.set $last (i32.add (local.get $line) (local.get $most)))))
        (local.set $high (v128.or (local.get $high) (local.get $octets)))
        (local.set $low (i8x16.min_u (local.get $low) (local.get $octets)))
        (local.set $priors (local.get $octets))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $step)))

    ;; How many of these 16 octets come before what was found; all of them where it is a long line that has stopped us.
    (local.set $finds (i8x16.bitmask (local.get $found)))
    (local.set $count (i32.ctz (i32.or (local.get $finds) (i32.const 0x10000))))
    (local.set $lines
      (i32.and
        (i8x16.bitmask (local.get $isLf))
        (i32.sub (i32.shl (i32.const 1) (local.get $count)) (i32.const 1))))
    ;; A bare CR is before the octet that showed that it is one.
    (local.set $count
      (i32.sub (local.get $count)
        (i32.and (i32.const 1) (i32.shr_u (i8x16.bitmask (local.get $behindCr)) (local.get $count)))))
    (if (local.get $lines)
      (then
        (if (i32.gt_s (i32.add (local.get $at) (i32.ctz (local.get $lines))) (i32.add (local.get $last) (i32.const 1)))
          (then (local.set $count (i32.sub (i32.ctz (local.get $lines)) (i32.const 1))))
          (else
            (local.set $line (i32.sub (i32.add (local.get $at) (i32.const 32)) (i32.clz (local.get $lines))))))))
    ;; The mask is 16 octets of ones and 16 of zeros, from which so many ones are taken; none for -1, too.
    (local.set $mask (v128.load (i32.sub (i32.const 32) (local.get $count))))
    (local.set $high (v128.or (local.get $high) (v128.and (local.get $octets) (local.get $mask))))
    (local.set $low
      (i8x16.min_u (local.get $low) (v128.or (local.get $octets) (v128.not (local.get $mask)))))
    (i32.store (i32.const 0) (local.get $line))
    (i32.store (i32.const 4)
      (i32.or
        (i32.ne (i8x16.bitmask (local.get $high)) (i32.const 0))
        (i32.shl (i32.eqz (i8x16.all_true (local.get $low))) (i32.const 1))))
    (i32.add (local.get $at) (local.get $count))))
