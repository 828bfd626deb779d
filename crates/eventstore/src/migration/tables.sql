-- Every fact of the service, in the order in which they were committed.
CREATE TABLE events (
    position       {bigint} NOT NULL PRIMARY KEY CHECK (position > 0),
    event_id       {text}   NOT NULL UNIQUE,
    stream_id      {text}   NOT NULL,
    stream_version {bigint} NOT NULL CHECK (stream_version > 0),
    type           {text}   NOT NULL,
    schema_version INTEGER  NOT NULL,
    occurred_at    {bigint} NOT NULL, -- microseconds since 1970, UTC
    actor          {text}   NOT NULL, -- role:id
    subject        {text}   NOT NULL,
    correlation_id {text}   NOT NULL,
    causation_id   {text},
    payload        {bytes}  NOT NULL, -- never json: an engine would write it anew, and the hash is over these bytes
    prev_hash      {bytes},
    hash           {bytes}  NOT NULL,
    traceparent    {text},
    UNIQUE (stream_id, stream_version)
) {strict};

-- The position of the last event: one row, locked by whoever appends. So the order of commits is the order of
-- positions, and a reader at a position never misses an event.
CREATE TABLE head (
    id       INTEGER  NOT NULL PRIMARY KEY CHECK (id = 1),
    position {bigint} NOT NULL CHECK (position >= 0)
) {strict};
INSERT INTO head (id, position) VALUES (1, 0);

-- Who holds which key, such as card:8A03. Follows from events alone.
CREATE TABLE claims (
    key       {text} NOT NULL PRIMARY KEY,
    stream_id {text} NOT NULL
) {strict};

-- The first answer to every request that changes something.
CREATE TABLE requests (
    request_id  {text}   NOT NULL,
    caller      {text}   NOT NULL,
    rpc         {text}   NOT NULL,
    content     {bytes}  NOT NULL, -- SHA-256 of the request message
    answer      {bytes}  NOT NULL,
    recorded_at {bigint} NOT NULL,
    PRIMARY KEY (request_id, caller, rpc)
) {strict};

-- Which events of others were settled here: once each.
CREATE TABLE inbox (
    event_id {text}   NOT NULL,
    consumer {text}   NOT NULL,
    owner    {text}   NOT NULL,
    position {bigint} NOT NULL,
    parked   INTEGER  NOT NULL, -- 1 while it lies in dead_letters
    PRIMARY KEY (event_id, consumer)
) {strict};
CREATE INDEX inbox_in_order ON inbox (consumer, owner, position);

-- Up to where each consumer has settled every event of an owner, without a gap.
CREATE TABLE cursors (
    consumer {text}   NOT NULL,
    owner    {text}   NOT NULL,
    position {bigint} NOT NULL,
    PRIMARY KEY (consumer, owner)
) {strict};

-- What could not be settled, and what came after it in the same stream.
CREATE TABLE dead_letters (
    event_id  {text}   NOT NULL,
    consumer  {text}   NOT NULL,
    owner     {text}   NOT NULL,
    stream_id {text}   NOT NULL,
    position  {bigint} NOT NULL,
    reason    {text}   NOT NULL,
    tries     INTEGER  NOT NULL, -- 0: it was not tried, an earlier one of its stream lies here
    parked_at {bigint} NOT NULL,
    replay    INTEGER  NOT NULL, -- 1: an operator asked for another try
    PRIMARY KEY (event_id, consumer)
) {strict};
CREATE INDEX dead_letters_in_order ON dead_letters (consumer, owner, position);
