// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a nemesis can do on this machine.
 *
 * @param kinds the faults that were asked for and that can be made
 * @param namespaces where the run must take place; empty: anywhere
 * @param missing why others cannot be made
 */
record Abilities(Set<Disruption.Kind> kinds, Optional<Namespaces> namespaces, List<String> missing) {
    static final Abilities NONE = new Abilities(Set.of(), Optional.empty(), List.of());

    private static final Set<Disruption.Kind> OF_NETWORKS = EnumSet.of(Disruption.Kind.PARTITION, Disruption.Kind.SLOW);

    /** For {@code wanted}, or for all kinds if it is empty. */
    static Abilities of(Set<Disruption.Kind> wanted) throws IOException, InterruptedException {
        EnumSet<Disruption.Kind> kinds =
                wanted.isEmpty() ? EnumSet.allOf(Disruption.Kind.class) : EnumSet.copyOf(wanted);
        List<String> missing = new ArrayList<>();
        Optional<Namespaces> namespaces = Optional.empty();
        if (kinds.stream().anyMatch(OF_NETWORKS::contains)) {
            Namespaces.Permission permission = Namespaces.ask();
            if (permission instanceof Namespaces.Permission.Granted granted) {
                namespaces = Optional.of(granted.namespaces());
            } else if (permission instanceof Namespaces.Permission.Refused refused) {
                kinds.removeAll(OF_NETWORKS);
                missing.add(refused.reason());
            }
        }
        if (kinds.contains(Disruption.Kind.CLOCK) && FakeClocks.refusal().isPresent()) {
            kinds.remove(Disruption.Kind.CLOCK);
            missing.add(FakeClocks.refusal().get());
        }
        return new Abilities(kinds, namespaces, missing);
    }
}
