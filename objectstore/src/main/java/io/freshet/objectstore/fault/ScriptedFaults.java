// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.fault;

import io.freshet.objectstore.fault.Fault.Op;
import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.Map;
import java.util.Queue;

/**
 * Faults laid down in advance, in order, for each operation; when an operation's script has ended, its standing fault
 * holds (at first: none). State is guarded by this object's lock, held only for a few loads.
 */
public final class ScriptedFaults implements Faults {
    private final Map<Op, Queue<Fault>> scripts = new EnumMap<>(Op.class);
    private final Map<Op, Fault> standing = new EnumMap<>(Op.class);

    /** Adds {@code faults} to the end of the script of {@code op}. */
    public synchronized ScriptedFaults then(Op op, Fault... faults) {
        Queue<Fault> script = scripts.computeIfAbsent(op, o -> new ArrayDeque<>());
        for (Fault fault : faults) {
            script.add(fault);
        }
        return this;
    }

    /** From the end of the script of {@code op} on, until told otherwise: {@code fault}. */
    public synchronized ScriptedFaults always(Op op, Fault fault) {
        standing.put(op, fault);
        return this;
    }

    /** Forgets everything: nothing goes wrong any more. */
    public synchronized void heal() {
        scripts.clear();
        standing.clear();
    }

    @Override
    public synchronized Fault next(Op op, String key) {
        Queue<Fault> script = scripts.get(op);
        Fault fault = script == null ? null : script.poll();
        return fault != null ? fault : standing.getOrDefault(op, Fault.NONE);
    }
}
