// Each property is tried for half a second, where a runtime is in question and not the property.
import fc from "fast-check";

fc.configureGlobal({ interruptAfterTimeLimit: 500 });
