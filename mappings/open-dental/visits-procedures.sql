-- key: ProcNum
-- changed: DateTStamp
-- What was done: completed procedures, within an appointment or as a walk-in, and deleted ones, which stay as status 6.
select l.ProcNum, l.PatNum, l.AptNum, l.ProcDate, l.ProcStatus, c.ProcCode, l.ProvNum, l.ClinicNum, l.DateTStamp
from procedurelog l
left join procedurecode c on c.CodeNum = l.CodeNum
where l.ProcStatus in (2, 6)
