-- key: SplitNum
-- changed: SecDateTEdit
-- Splits instead of payments, where the office allows queries: a balance counts splits.
select s.SplitNum, s.PatNum, p.PatNum as PayerNum, s.DatePay, s.SplitAmt, p.PayType, s.ProvNum, s.ClinicNum,
       s.SecDateTEdit
from paysplit s
left join payment p on p.PayNum = s.PayNum
