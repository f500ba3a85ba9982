// SPDX-License-Identifier: Apache-2.0
/** The simulation of the whole: the real storage engine and the real partitions on the real quorum, in one thread on virtual time. */
@NullMarked
package io.freshet.tests.sim.whole;

import org.jspecify.annotations.NullMarked;
