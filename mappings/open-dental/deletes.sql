-- key: HistApptNum
-- changed: HistDateTStamp
-- Deleted appointments: their history is all that is left of them. HistDateTStamp is in the server's own zone, as
-- patientlink.DateTimeLink is.
select h.HistApptNum, h.AptNum,
       convert_tz(h.HistDateTStamp, @@global.time_zone, @@session.time_zone) as HistDateTStamp
from histappointment h
where h.HistApptAction = 4
