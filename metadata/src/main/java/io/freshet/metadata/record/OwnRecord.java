// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import io.freshet.metadata.FreshetVersion;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageSizeAccumulator;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.Writable;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/**
 * A record of ours in the metadata log. Integers are big-endian and of fixed width; lists start with an int count. Every
 * kind has version 0; a change of layout gets a new version and a feature level that allows it. Not changed after it was
 * read or built.
 */
public abstract sealed class OwnRecord implements ApiMessage
        permits StreamRecord,
                RemoveStreamRecord,
                ObjectRecord,
                TrimStreamRecord,
                ForgetObjectsRecord,
                NextIdsRecord,
                RowsRecord,
                NamedWalRecord,
                SealWalRecord,
                ReplaceSegmentsRecord,
                MemberRecord,
                MoveWishRecord,
                LaneChangedRecord {
    /** The first of the api keys that are ours; Kafka's own are far below. */
    public static final short FIRST_API_KEY = 20001;

    private final short apiKey;

    OwnRecord(int apiKey) {
        this.apiKey = (short) apiKey;
    }

    /** An empty record of the kind {@code apiKey}, to be read into. */
    public static OwnRecord forApiKey(short apiKey) {
        return switch (apiKey) {
            case StreamRecord.API_KEY -> new StreamRecord();
            case RemoveStreamRecord.API_KEY -> new RemoveStreamRecord();
            case ObjectRecord.API_KEY -> new ObjectRecord();
            case TrimStreamRecord.API_KEY -> new TrimStreamRecord();
            case ForgetObjectsRecord.API_KEY -> new ForgetObjectsRecord();
            case NextIdsRecord.API_KEY -> new NextIdsRecord();
            case RowsRecord.API_KEY -> new RowsRecord();
            case OpenWalRecord.API_KEY -> new OpenWalRecord();
            case TrimWalRecord.API_KEY -> new TrimWalRecord();
            case SealWalRecord.API_KEY -> new SealWalRecord();
            case RetireWalRecord.API_KEY -> new RetireWalRecord();
            case ReplaceSegmentsRecord.API_KEY -> new ReplaceSegmentsRecord();
            case MemberRecord.API_KEY -> new MemberRecord();
            case MoveWishRecord.API_KEY -> new MoveWishRecord();
            case LaneChangedRecord.API_KEY -> new LaneChangedRecord();
            default ->
                throw new UnsupportedVersionException("Unknown metadata record kind " + apiKey
                        + ": it was written by a newer version; upgrade this node");
        };
    }

    /** This record as the log takes it, at the newest version. */
    public final ApiMessageAndVersion versioned() {
        return new ApiMessageAndVersion(this, highestSupportedVersion());
    }

    /** The level of {@link FreshetVersion} from which on this kind may be written. */
    public short since() {
        return FreshetVersion.SINGLE;
    }

    abstract int sizeBytes();

    abstract void encode(Writable out);

    abstract void decode(Readable in);

    @Override
    public final short apiKey() {
        return apiKey;
    }

    @Override
    public final short lowestSupportedVersion() {
        return 0;
    }

    @Override
    public final short highestSupportedVersion() {
        return 0;
    }

    @Override
    public final void addSize(MessageSizeAccumulator size, ObjectSerializationCache cache, short version) {
        check(version);
        size.addBytes(sizeBytes());
    }

    @Override
    public final void write(Writable out, ObjectSerializationCache cache, short version) {
        check(version);
        encode(out);
    }

    @Override
    public final void read(Readable in, short version) {
        check(version);
        decode(in);
    }

    @Override
    public final List<RawTaggedField> unknownTaggedFields() {
        return new ArrayList<>();
    }

    @Override
    public final Message duplicate() {
        return this;
    }

    private void check(short version) {
        if (version != 0) {
            throw new UnsupportedVersionException("Metadata record kind " + apiKey + " has no version " + version
                    + " here: it was written by a newer version; upgrade this node");
        }
    }
}
