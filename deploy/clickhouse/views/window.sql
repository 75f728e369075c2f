    -- from_time and to_time: the start counts, the end does not. Without an offset they are local to the timezone.
    parseDateTime64BestEffort({start:String}, 3, {timezone:String}) AS start_there,
    parseDateTime64BestEffort({end:String}, 3, {timezone:String}) AS end_there,
    parseDateTime64BestEffort({start:String}, 3, 'UTC') AS start_written,
    parseDateTime64BestEffort({end:String}, 3, 'UTC') AS end_written,
    -- A time that the clocks skip, as midnight in some places, is parsed as one before the gap: it is the gap's end.
    start_there + toIntervalSecond(if(
        start_there = start_written,
        0,
        greatest(0, dateDiff('second', start_there, start_written) - timezoneOffset(start_there))
    )) AS from_time,
    end_there + toIntervalSecond(if(
        end_there = end_written,
        0,
        greatest(0, dateDiff('second', end_there, end_written) - timezoneOffset(end_there))
    )) AS to_time
