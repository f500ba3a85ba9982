// SPDX-License-Identifier: Apache-2.0
/**
 * Commands from any node: {@link io.freshet.metadata.remote.RoutedController} runs them here if this node leads, else sends them
 * through a {@link io.freshet.metadata.remote.CommandChannel} to the {@link io.freshet.metadata.remote.CommandService} of the
 * node that does. Nothing blocks; futures complete on the metadata thread, the channel's or the scheduler's.
 *
 * <p>A new command takes four places: the method in {@code ClusterController} and in {@code ActiveController}; a {@code
 * CommandType} constant with a number that was never used, in one of the {@code …CommandTypes} files and its list {@code ALL}
 * (say there whether it is repeatable, not logged, or worth nothing when late); one line in {@code RoutedController}; a sample
 * in {@code CommandSamples} of the tests, which then check its encoding. Numbers stand in docs/formats.md. A changed body is a
 * new version of the type ({@code atVersion}): the codec asks writer or reader for {@code version()} and must still write and
 * read the older ones, as a sender falls back to what the receiver knows.
 */
@NullMarked
package io.freshet.metadata.remote;

import org.jspecify.annotations.NullMarked;
