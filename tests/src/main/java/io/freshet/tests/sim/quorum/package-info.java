// SPDX-License-Identifier: Apache-2.0
/**
 * The simulation of the quorum: Kafka's Raft client, this server's metadata nodes, membership and hand-overs, all of them the
 * real code, over logs, networks and clocks that are simulated. One thread runs a whole cluster; begin with {@code
 * QuorumSimulation}.
 */
@NullMarked
package io.freshet.tests.sim.quorum;

import org.jspecify.annotations.NullMarked;
