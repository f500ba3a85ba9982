// SPDX-License-Identifier: Apache-2.0
/**
 * Describing and changing the cluster: topics, configurations, brokers. Reads come from the metadata image, changes go to
 * the quorum's controller. {@link io.freshet.broker.admin.ControlApis} is the entrance.
 */
@NullMarked
package io.freshet.broker.admin;

import org.jspecify.annotations.NullMarked;
