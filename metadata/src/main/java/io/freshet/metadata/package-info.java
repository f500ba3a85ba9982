// SPDX-License-Identifier: Apache-2.0
/**
 * The metadata quorum. {@link io.freshet.metadata.MetadataNode} is the entrance: one per process, voter or observer. It
 * gives the cluster image, the manifests, and the controller that accepts commands. Raft's own types stay behind
 * {@code MetadataLog}, in the sub-packages.
 */
@NullMarked
package io.freshet.metadata;

import org.jspecify.annotations.NullMarked;
