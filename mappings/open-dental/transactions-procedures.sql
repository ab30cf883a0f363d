-- key: ProcNum
-- changed: DateTStamp
-- Charges: the fee of a completed procedure; of a deleted one (6) it counts no more.
select l.ProcNum, l.PatNum, l.ProcDate, l.ProcStatus, l.ProcFee * greatest(1, l.BaseUnits + l.UnitQty) as Fee,
       c.ProcCode, l.ProvNum, l.ClinicNum, l.DateTStamp
from procedurelog l
left join procedurecode c on c.CodeNum = l.CodeNum
where l.ProcStatus in (2, 6)
