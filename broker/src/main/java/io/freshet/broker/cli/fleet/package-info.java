// SPDX-License-Identifier: Apache-2.0
/**
 * Several nodes on one machine, each a process of its own, for trying out and for tests: {@link io.freshet.broker.cli.fleet.Fleet}
 * says where what is, {@link io.freshet.broker.cli.fleet.NodeProcess} runs one. Not for production. One thread.
 */
@NullMarked
package io.freshet.broker.cli.fleet;

import org.jspecify.annotations.NullMarked;
